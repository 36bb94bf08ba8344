// Q4_1: blocks of 32 elements; a scale d and a minimum in half precision, then 16 bytes of codes
// as in q4_0.cpp; x = d * code + minimum.
// Layout and rounding rule: block_q4_1 in ggml/src/ggml-common.h, quantize_row_q4_1_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp); see one_rounding.h. With weights: search.h.
#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/one_rounding.h"
#include "blocks/search.h"

namespace bantam {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 20;
constexpr int kHighest = 15;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  out.dmin = -load_half(block + 2);
  out.m[0] = out.m[1] = 1;
  read_nibbles(block + 4, kBlock / 2, out.q);
}

void store(float d, float minimum, const std::int8_t* q, std::byte* block) {
  store_half(block, d);
  store_half(block + 2, minimum);
  write_nibbles(q, kBlock / 2, block + 4);
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
                                   .encode_weighted = encode_weighted,
                                   .integers = integers,
                                   .packing = {.bits = 4, .minimum = true}};

}  // namespace bantam
