// Q8_0: blocks of 32 elements; a scale d in half precision, then 32 signed bytes q; x = d * q.
// Layout and rounding rule: block_q8_0 in ggml/src/ggml-common.h and quantize_row_q8_0_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp): the divisor is the scale before it is rounded to
// half, and q rounds half away from zero. The bytes are equal to those wherever these are defined;
// what that code leaves undefined is settled here: a block with a NaN or an infinity decodes to
// NaN, and a block whose 1/d overflows (all under 4e-37) decodes to zeros.
#include <cmath>
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/one_rounding.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 34;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  std::memcpy(out.q, block + 2, kBlock);
}

// The largest magnitude; NaN if there is one.
float largest(const float* values) {
  float most = 0.0f;
  for (std::int64_t i = 0; i < kBlock; ++i) {
    const float magnitude = std::fabs(values[i]);
    if (std::isnan(magnitude)) return magnitude;
    if (magnitude > most) most = magnitude;
  }
  return most;
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  for (std::int64_t b = 0; b < count / kBlock; ++b, from += kBlock, to += kBytes) {
    const float d = largest(from) / 127.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    const bool usable = std::isfinite(d) && std::isfinite(inverse);
    store_half(to, d);
    for (std::int64_t i = 0; i < kBlock; ++i) {
      const int q = usable ? round_away(from[i] * inverse) : 0;
      to[2 + i] = static_cast<std::byte>(static_cast<std::int8_t>(q));
    }
  }
}

}  // namespace

constinit const Format kQ8_0Format{.type = Type::q8_0,
                                   .name = "q8_0",
                                   .gguf_id = 8,
                                   .file_type = 7,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = encode,
                                   .integers = integers,
                                   .packing = {.bits = 8}};

}  // namespace bantam::blocks
