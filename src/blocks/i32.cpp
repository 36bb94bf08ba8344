// I32: a signed 32-bit integer, little endian: tables of ids, no weights. Read only; values beyond
// 2^24 round to the nearest float.
#include <cstring>

#include "blocks/codecs.h"

namespace bantam::blocks {

namespace {

void decode(const std::byte* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::int32_t value;
    std::memcpy(&value, from + 4 * i, sizeof value);
    to[i] = static_cast<float>(value);
  }
}

}  // namespace

constinit const Format kI32Format{.type = Type::i32,
                                  .name = "i32",
                                  .gguf_id = 26,
                                  .safetensors = "I32",
                                  .block = 1,
                                  .block_bytes = 4,
                                  .quantised = false,
                                  .weights = false,
                                  .decode = decode,
                                  .encode = nullptr};

}  // namespace bantam::blocks
