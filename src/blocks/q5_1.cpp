// Q5_1: blocks of 32 elements; a scale d and a minimum in half precision, the fifth bits of the
// codes in a word of 32, then the other four as in q4_0.cpp; x = d * code + minimum.
// Layout and rounding rule: block_q5_1 in ggml/src/ggml-common.h, quantize_row_q5_1_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp); see one_rounding.h. With weights: search.h.
#include <cstring>

#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/one_rounding.h"
#include "blocks/search.h"

namespace bantam {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 24;
constexpr int kHighest = 31;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  out.dmin = -load_half(block + 2);
  out.m[0] = out.m[1] = 1;
  read_nibbles(block + 8, kBlock / 2, out.q);
  std::uint32_t high;  // bit i: the fifth of code i
  std::memcpy(&high, block + 4, sizeof high);
  for (std::int64_t i = 0; i < kBlock; ++i)
    out.q[i] = static_cast<std::int8_t>(out.q[i] + static_cast<int>((high >> i & 1) << 4));
}

void store(float d, float minimum, const std::int8_t* q, std::byte* block) {
  store_half(block, d);
  store_half(block + 2, minimum);
  write_nibbles(q, kBlock / 2, block + 8);
  std::uint32_t high = 0;
  for (std::int64_t i = 0; i < kBlock; ++i) high |= static_cast<std::uint32_t>(q[i] >> 4) << i;
  std::memcpy(block + 4, &high, sizeof high);
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  std::int8_t q[kBlock];
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    const ScaleAndMinimum s = round_affine(from + i, kBlock, kHighest, q);
    store(s.d, s.minimum, q, to);
  }
}

void encode_weighted(const float* from, const float* importance, std::byte* to,
                     std::int64_t count) {
  BlockIntegers block;
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    fit_affine_block({.elements = kBlock, .highest = kHighest}, from + i, importance + i, block);
    store(block.d, -block.dmin, block.q, to);
  }
}

}  // namespace

constinit const Format kQ5_1Format{.type = Type::q5_1,
                                   .name = "q5_1",
                                   .gguf_id = 7,
                                   .file_type = 9,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = encode,
                                   .encode_weighted = encode_weighted,
                                   .integers = integers,
                                   .packing = {.bits = 5, .minimum = true}};

}  // namespace bantam
