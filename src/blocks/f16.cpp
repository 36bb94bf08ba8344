// F16: IEEE 754 binary16, little endian. The conversions are in half.h.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

void decode(const std::byte* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, from + 2 * i, sizeof bits);  // data in a safetensors file may be unaligned
    to[i] = half_to_float(bits);
  }
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint16_t bits = float_to_half(from[i]);
    std::memcpy(to + 2 * i, &bits, sizeof bits);
  }
}

}  // namespace

constinit const Format kF16Format{.type = Type::f16,
                                  .name = "f16",
                                  .gguf_id = 1,
                                  .file_type = 1,
                                  .safetensors = "F16",
                                  .block = 1,
                                  .block_bytes = 2,
                                  .quantised = false,
                                  .decode = decode,
                                  .encode = encode};

}  // namespace bantam::blocks
