// Memory that ends at the n-th allocation, for n = 0, 1, ... until it suffices: the library says so
// and goes on living.
#include <gtest/gtest.h>

#include <cstring>

#include "api/models.h"
#include "bantam/bantam.h"
#include "cli/faults.h"

namespace {

// Every function that can fail and takes no JSON (see bantam.h), once; the first status that is not
// BANTAM_OK.
bantam_status use(const char* path, bantam_error* error) {
  bantam_model* model = nullptr;
  bantam_open_options narrow;
  bantam_open_options_init(&narrow, sizeof narrow);
  narrow.threads = 1;  // those of a pool take memory that is not counted
  bantam_status status = bantam_open(path, &narrow, &model, error);
  int32_t ids[128];
  char text[256];
  float row[261];
  size_t count = 0, bytes = 0;
  bantam_generate_options o;
  bantam_generate_options_init(&o, sizeof o);
  o.max_tokens = 3;
  if (status == BANTAM_OK)
    status = bantam_encode(model, "the other", 9, BANTAM_ADD_SPECIAL, ids, 128, &count, error);
  if (status == BANTAM_OK)
    status = bantam_generate(model, ids, count, &o, nullptr, nullptr, nullptr, error);
  if (status == BANTAM_OK) status = bantam_logits(model, ids, count, 1, row, 261, error);
  if (status == BANTAM_OK) status = bantam_decode(model, ids, count, 0, text, 256, &bytes, error);
  bantam_close(model);
  return status;
}

TEST(CApiWithoutMemory, SaysSoAndGoesOnLiving) {
  for (const char* name : {"plain.gguf", "chat.gguf"}) {
    const std::string path = api_test::folder() + "/" + name;
    long n = 0;
    for (;; n += 1 + n / 40) {
      bantam_error error{};
      bantam::test::end_memory_at(n);
      const bantam_status status = use(path.c_str(), &error);
      const bool reached = bantam::test::fault_reached();
      bantam::test::end_memory_at(-1);
      if (status == BANTAM_OK && !reached) break;
      if (status != BANTAM_OK) {
        ASSERT_EQ(status, BANTAM_NO_MEMORY) << n << ": " << error.message;
        ASSERT_NE(std::strstr(error.message, "memory"), nullptr) << n << ": " << error.message;
      }
    }
    EXPECT_GT(n, 100) << name;
  }
}

}  // namespace
