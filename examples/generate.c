/* Continues a text: generate MODEL TEXT [TOKENS [SEED]]
 * Without a seed it takes the likeliest token each time. C11.
 *   cc -std=c11 generate.c -o generate $(pkg-config --cflags --libs bantam) */
#include <bantam/bantam.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shows the answer as it comes, and stops when nobody reads it. */
static int show(void* user, const char* text, size_t bytes) {
  char* last = user;
  if (bytes == 0) return 0;
  *last = text[bytes - 1];
  return fwrite(text, 1, bytes, stdout) == bytes && fflush(stdout) == 0 ? 0 : 1;
}

/* The ids of a text, to be freed; NULL on failure. */
static int32_t* encode(const bantam_model* model, const char* text, size_t* count,
                       bantam_error* error) {
  const int flags = BANTAM_ADD_SPECIAL | BANTAM_PARSE_SPECIAL;
  int32_t* ids = NULL;
  bantam_status status =
      bantam_encode(model, text, strlen(text), flags, NULL, 0, count, error); /* how many? */
  if (status == BANTAM_TOO_SMALL) {
    ids = malloc(*count * sizeof *ids);
    if (ids == NULL) return NULL;
    status = bantam_encode(model, text, strlen(text), flags, ids, *count, count, error);
  }
  if (status == BANTAM_OK) return ids;
  free(ids);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 3 || argc > 5) {
    fprintf(stderr, "usage: %s MODEL TEXT [TOKENS [SEED]]\n", argv[0]);
    return 2;
  }
  bantam_generate_options options;
  bantam_generate_options_init(&options, sizeof options);
  options.max_tokens = argc > 3 ? strtoll(argv[3], NULL, 10) : 100;
  if (argc > 4)
    options.seed = strtoull(argv[4], NULL, 10);
  else
    options.temperature = 0;

  bantam_error error = {""};
  bantam_model* model = NULL;
  size_t count = 0;
  int32_t* ids = NULL;
  char last = 0;
  bantam_result result = {.size = sizeof result};
  int done =
      bantam_open(argv[1], NULL, &model, &error) == BANTAM_OK &&
      (ids = encode(model, argv[2], &count, &error)) != NULL &&
      bantam_generate(model, ids, count, &options, show, &last, &result, &error) == BANTAM_OK;
  if (done && last != '\n') puts("");
  if (done && ferror(stdout)) {
    done = 0;
    snprintf(error.message, sizeof error.message, "the text could not be written");
  }
  if (done)
    fprintf(stderr, "%zu tokens in %.2f s\n", result.count,
            result.prompt_seconds + result.answer_seconds);
  else
    fprintf(stderr, "%s: %s\n", argv[0], error.message);
  free(ids);
  bantam_close(model);
  return done ? 0 : 1;
}
