// BF16: bfloat16, the upper half of a binary32, little endian. The conversions are in half.h.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

void decode(const std::byte* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, from + 2 * i, sizeof bits);  // data in a safetensors file may be unaligned
    to[i] = bf16_to_float(bits);
  }
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint16_t bits = float_to_bf16(from[i]);
    std::memcpy(to + 2 * i, &bits, sizeof bits);
  }
}

}  // namespace

constinit const Format kBf16Format{.type = Type::bf16,
                                   .name = "bf16",
                                   .gguf_id = 30,
                                   .file_type = 32,
                                   .safetensors = "BF16",
                                   .block = 1,
                                   .block_bytes = 2,
                                   .quantised = false,
                                   .decode = decode,
                                   .encode = encode};

}  // namespace bantam::blocks
