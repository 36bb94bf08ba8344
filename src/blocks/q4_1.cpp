// Q4_1: blocks of 32 elements; a scale d and a minimum in half precision, then 16 bytes of codes
// as in q4_0.cpp; x = d * code + minimum.
// Layout and rounding rule: block_q4_1 in ggml/src/ggml-common.h and quantize_row_q4_1_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp): the divisor is the scale before it is rounded to
// half. What that code leaves undefined is settled as in q8_0.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/nibbles.h"

namespace bantam {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 20;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  out.dmin = -load_half(block + 2);
  out.m[0] = out.m[1] = 1;
  read_nibbles(block + 4, kBlock / 2, 0, out.q);
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  for (std::int64_t b = 0; b < count / kBlock; ++b, from += kBlock, to += kBytes) {
    const auto [least, most] = std::minmax_element(from, from + kBlock);
    const bool finite = std::all_of(from, from + kBlock, [](float x) { return std::isfinite(x); });
    const float d = finite ? (*most - *least) / 15 : std::numeric_limits<float>::quiet_NaN();
    const float inverse = d != 0 ? 1 / d : 0;
    const bool usable = std::isfinite(d) && std::isfinite(inverse);
    store_half(to, d);
    store_half(to + 2, finite ? *least : d);
    std::int8_t q[kBlock];
    for (std::int64_t i = 0; i < kBlock; ++i) {
      const float code =
          usable ? std::min(15.0f, std::floor((from[i] - *least) * inverse + 0.5f)) : 0;
      q[i] = static_cast<std::int8_t>(code);
    }
    write_nibbles(q, kBlock / 2, 0, to + 4);
  }
}

}  // namespace

constinit const Format kQ4_1Format{.type = Type::q4_1,
                                   .name = "q4_1",
                                   .gguf_id = 3,
                                   .file_type = 3,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = encode,
                                   .integers = integers,
                                   .packing = {.bits = 4, .minimum = true}};

}  // namespace bantam
