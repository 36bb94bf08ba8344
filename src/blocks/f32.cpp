// F32: IEEE 754 binary32, little endian.
#include <cstring>

#include "blocks/codecs.h"

namespace bantam::blocks {

namespace {

void decode(const std::byte* from, float* to, std::int64_t count) {
  if (count > 0) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  if (count > 0) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

}  // namespace

constinit const Format kF32Format{.type = Type::f32,
                                  .name = "f32",
                                  .gguf_id = 0,
                                  .safetensors = "F32",
                                  .block = 1,
                                  .block_bytes = 4,
                                  .quantised = false,
                                  .decode = decode,
                                  .encode = encode};

}  // namespace bantam::blocks
