// Q4_0: blocks of 32 elements; a scale d in half precision, then 16 bytes of codes, element i in
// the low half of byte i, element 16 + i in the high half; x = d * (code - 8).
// Layout and rounding rule: block_q4_0 in ggml/src/ggml-common.h and quantize_row_q4_0_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp): the element of largest magnitude becomes -8, the
// divisor is the scale before it is rounded to half. What that code leaves undefined is settled as
// in q8_0.cpp.
#include <algorithm>
#include <cmath>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/nibbles.h"

namespace bantam {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 18;
constexpr std::int8_t kLowest = -8;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  read_nibbles(block + 2, kBlock / 2, kLowest, out.q);
}

// The element of largest magnitude; NaN if there is one.
float peak_of(const float* values) {
  float peak = 0;
  for (std::int64_t i = 0; i < kBlock; ++i) {
    if (std::isnan(values[i])) return values[i];
    if (std::fabs(values[i]) > std::fabs(peak)) peak = values[i];
  }
  return peak;
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  for (std::int64_t b = 0; b < count / kBlock; ++b, from += kBlock, to += kBytes) {
    const float d = peak_of(from) / -8;
    const float inverse = d != 0 ? 1 / d : 0;
    const bool usable = std::isfinite(d) && std::isfinite(inverse);
    store_half(to, d);
    std::int8_t q[kBlock];
    for (std::int64_t i = 0; i < kBlock; ++i) {
      const float code = usable ? std::min(15.0f, std::floor(from[i] * inverse + 8.5f)) : 8;
      q[i] = static_cast<std::int8_t>(static_cast<int>(code) + kLowest);
    }
    write_nibbles(q, kBlock / 2, kLowest, to + 2);
  }
}

}  // namespace

constinit const Format kQ4_0Format{.type = Type::q4_0,
                                   .name = "q4_0",
                                   .gguf_id = 2,
                                   .file_type = 2,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = encode,
                                   .integers = integers,
                                   .packing = {.bits = 4, .lowest = kLowest}};

}  // namespace bantam
