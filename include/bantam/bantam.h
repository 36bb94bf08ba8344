/* Bantam in C: opens a small language model and lets it write. C11, or C++ (bantam.hpp is nicer
 * there).
 *
 *   bantam_model *model = NULL;
 *   bantam_error error;
 *   if (bantam_open("model.gguf", NULL, &model, &error) != BANTAM_OK)
 *     fprintf(stderr, "%s\n", error.message);
 *   ...
 *   bantam_close(model);
 *
 * examples/generate.c is a whole program. Compile with `cc x.c $(pkg-config --cflags --libs
 * bantam)`.
 *
 * Errors. Functions that can fail return a status, and write a sentence for people into `error`
 * when it is not NULL (on success an empty one). Nothing else has happened then: what they write
 * through other pointers is unchanged but where it says otherwise. No C++ exception leaves the
 * library, and it neither prints nor ends the program. (One case is left: when the very last memory
 * of the process goes while JSON is at hand, a model's folder or a conversation, std::terminate is
 * called.)
 *
 * Memory. bantam_close frees what bantam_open made; nothing else is ever handed over. Everything
 * that a call writes goes into memory of the caller, whose size it is told. A buffer that is too
 * small is BANTAM_TOO_SMALL: nothing is written into it, and the size that is needed is told, so
 * that the call can be made again. A buffer of size 0 may be NULL.
 *
 * Texts are UTF-8, given as a pointer and a number of bytes; they may hold any bytes. What comes
 * back is always valid UTF-8. No 0 byte is written behind it.
 *
 * Threads. Models do not know of each other: each may be used in a thread of its own. With one
 * model, bantam_generate and bantam_logits can be called by one thread at a time: a second call is
 * BANTAM_MISUSE, also from within the callback of the first. The other functions may be called at
 * any time, by any thread, but for bantam_close. A model computes with threads of its own; a
 * process that forks must open its models after it.
 *
 * Results are the same bytes for any number of threads and on every processor.
 *
 * Structures begin with their size, which is how a library knows the version that a program was
 * compiled with: fields are only ever added at the end. Set it, as the examples do. */
#ifndef BANTAM_BANTAM_H
#define BANTAM_BANTAM_H

#include <stddef.h>
#include <stdint.h>

#include "bantam/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is linked, as in BANTAM_VERSION. */
const char* bantam_version(void);

typedef enum bantam_status {
  BANTAM_OK = 0,
  BANTAM_FAILED = 1,    /* the file, the text or the tokens: `error` says what */
  BANTAM_MISUSE = 2,    /* the call itself is wrong: a mistake in the program */
  BANTAM_NO_MEMORY = 3, /* the system has no more */
  BANTAM_TOO_SMALL = 4  /* a buffer is: the size that is needed was told */
} bantam_status;

typedef struct bantam_error {
  char message[1024]; /* UTF-8, ends with a 0 byte; cut where it is longer */
} bantam_error;

/* ---- Opening ---- */

typedef struct bantam_model bantam_model;

enum {
  BANTAM_ARITHMETIC_DEFAULT = 0,
  BANTAM_ARITHMETIC_F32,
  BANTAM_ARITHMETIC_INT8,
  BANTAM_ARITHMETIC_BF16,
  BANTAM_ARITHMETIC_FAITHFUL,
  BANTAM_ARITHMETIC_EXACT = BANTAM_ARITHMETIC_INT8 /* its first name */
};
enum { BANTAM_CACHE_DEFAULT = 0, BANTAM_CACHE_F32, BANTAM_CACHE_F16, BANTAM_CACHE_BF16 };

typedef struct bantam_open_options {
  size_t size;     /* sizeof(bantam_open_options) */
  int64_t threads; /* 0: one a processor */
  int64_t context; /* tokens that a sequence may have (memory is taken as they come); 0: as many as
                      the model was trained with */
  int64_t arithmetic; /* BANTAM_ARITHMETIC_...; default: int8 for quantised files, else f32 */
  int64_t cache;      /* type of the stored keys and values, BANTAM_CACHE_...; default: f16, with
                         bf16 arithmetic bf16 */
  const bantam_model* share; /* compute on the threads of this model, in place of `threads` of its
                                own; either may be closed first, and both be used at a time */
} bantam_open_options;

/* Writes the defaults. `size` is sizeof(bantam_open_options); without the call all fields but the
 * size may be 0, too. */
void bantam_open_options_init(bantam_open_options* options, size_t size);

/* Opens a .gguf file or a folder with config.json and safetensors. options: NULL for the defaults.
 * On failure *model becomes NULL. */
bantam_status bantam_open(const char* path, const bantam_open_options* options,
                          bantam_model** model, bantam_error* error);

/* NULL is allowed. No other call with this model may be under way. */
void bantam_close(bantam_model* model);

typedef struct bantam_description {
  size_t size;             /* sizeof(bantam_description), set by the caller */
  const char* family;      /* "llama", "gemma2", ...; these texts live as long as the model */
  const char* name;        /* as its makers call it; may be empty */
  const char* isa;         /* the instruction set that it runs with: "avx512", ... */
  int64_t vocabulary;      /* logits of one token; ids are 0 .. vocabulary - 1 */
  int64_t tokens;          /* ids that stand for text: no more than these can be decoded */
  int64_t context;         /* tokens that a sequence may have, as it was opened */
  int64_t trained_context; /* what the model has learnt to use */
  int64_t begin_token;     /* begins a text; -1: there is none */
  int64_t end_token;       /* ends one; -1: there is none (bantam_is_end knows of others, too) */
  int64_t has_chat_template;
} bantam_description;

bantam_status bantam_describe(const bantam_model* model, bantam_description* description,
                              bantam_error* error);

/* ---- Text and tokens ---- */

enum {
  BANTAM_ADD_SPECIAL = 1,  /* the model's own beginning and end tokens, as the file says */
  BANTAM_PARSE_SPECIAL = 2 /* "<s>" and the like in the text become control tokens: not for text of
                              strangers */
};

/* A text as token ids. *count becomes the number of ids, also when they are more than capacity. For
 * a prompt to continue: both flags, as the program does. For one by bantam_render_chat:
 * BANTAM_PARSE_SPECIAL alone, as the template has written the beginning itself. */
bantam_status bantam_encode(const bantam_model* model, const char* text, size_t bytes, int flags,
                            int32_t* tokens, size_t capacity, size_t* count, bantam_error* error);

enum { BANTAM_SHOW_SPECIAL = 1 /* control tokens too */ };

/* Token ids as text. *bytes becomes its length, also when it is more than capacity. */
bantam_status bantam_decode(const bantam_model* model, const int32_t* tokens, size_t count,
                            int flags, char* text, size_t capacity, size_t* bytes,
                            bantam_error* error);

/* 1 when the token ends an answer, else 0. */
int bantam_is_end(const bantam_model* model, int32_t token);

typedef struct bantam_message { /* both end with a 0 byte */
  const char* role;             /* "system", "user" or "assistant" */
  const char* content;
} bantam_message;

/* The prompt that a conversation becomes by the model's own chat template, with the opening of the
 * model's answer at its end. A model without a template is BANTAM_FAILED. */
bantam_status bantam_render_chat(const bantam_model* model, const bantam_message* messages,
                                 size_t count, char* text, size_t capacity, size_t* bytes,
                                 bantam_error* error);

/* ---- Writing ---- */

/* An option of the sampler by its name on the command line (bantam generate --help), without the
 * dashes: "typical", "dry-multiplier", "mirostat" (0 or 1), ... */
typedef struct bantam_setting {
  const char* name; /* ends with a 0 byte */
  double value;
} bantam_setting;

typedef struct bantam_generate_options {
  size_t size;              /* sizeof(bantam_generate_options) */
  int64_t max_tokens;       /* negative: until the model ends or the context is full */
  uint64_t seed;            /* the same seed gives the same text on every machine */
  double temperature;       /* 0: always the likeliest token */
  int64_t top_k;            /* choose among so many of the likeliest; 0: all */
  double top_p;             /* among the likeliest that reach this probability; 1: all */
  double min_p;             /* leave out those under this share of the likeliest; 0: none */
  double repeat_penalty;    /* tokens that stood lately are less likely; 1: not */
  double frequency_penalty; /* taken off a logit for each time that it stood */
  double presence_penalty;  /* taken off once */
  int64_t penalty_last;     /* lately: among so many tokens; negative: all */
  const char* const* stops; /* texts that end the answer before they appear, with a 0 byte each */
  size_t stop_count;
  int64_t own_text; /* 1: the answer is a text of its own (in a chat), not the rest of the prompt's:
                       without the space that some tokenizers put in front of a word */
  const bantam_setting* settings; /* more of the sampler's options; they win over the ones above */
  size_t setting_count;
} bantam_generate_options;

/* Writes the defaults: those of the program, with seed 0. `size` is
 * sizeof(bantam_generate_options). */
void bantam_generate_options_init(bantam_generate_options* options, size_t size);

/* Called by bantam_generate, in its thread: with each piece of text as soon as it is certain
 * (always whole characters), and with bytes == 0 between the passes of the model. The text is the
 * caller's to read during the call alone. Return 0 to go on, anything else to stop. */
typedef int (*bantam_on_text)(void* user, const char* text, size_t bytes);

enum {
  BANTAM_STOP_END = 1, /* the model ended its text */
  BANTAM_STOP_TEXT,    /* one of the stops was complete */
  BANTAM_STOP_LENGTH,  /* max_tokens */
  BANTAM_STOP_CONTEXT, /* the context is full */
  BANTAM_STOP_CALLER   /* the callback said so */
};

typedef struct bantam_result {
  size_t size;           /* sizeof(bantam_result), set by the caller, as are the next two */
  int32_t* tokens;       /* where the answer's ids go, the end token included */
  size_t capacity;       /* of `tokens`; 0: they are not wanted. Those beyond it are left out. */
  size_t count;          /* ids that the answer has, written or not */
  int64_t stop;          /* BANTAM_STOP_... */
  int64_t prompt_tokens; /* evaluated: without those that were held from the call before */
  double prompt_seconds; /* until the first token */
  double answer_seconds; /* from the first token to the last */
} bantam_result;

/* Continues a prompt. The prompt is the whole sequence, an earlier answer included; what it has in
 * common with the sequence of the call before is not computed again. options: NULL for the
 * defaults. callback and result may be NULL. */
bantam_status bantam_generate(bantam_model* model, const int32_t* prompt, size_t count,
                              const bantam_generate_options* options, bantam_on_text callback,
                              void* user, bantam_result* result, bantam_error* error);

/* What the model thinks of every token that could follow: the logits after each of the last `rows`
 * of the tokens, rows * vocabulary numbers, row after row. `capacity` is that of `logits`, in
 * numbers; when it is too small `error` says what is needed. After a failure the numbers may have
 * been written in part. */
bantam_status bantam_logits(bantam_model* model, const int32_t* tokens, size_t count, size_t rows,
                            float* logits, size_t capacity, bantam_error* error);

#ifdef __cplusplus
}
#endif

#endif
