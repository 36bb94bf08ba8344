// Q4_K: blocks of 256 elements in 8 groups of 32: d and dmin in half precision, scales and minima
// of the groups in six bits each (six_bits.h), then 32 bytes of codes for each two groups, the
// first in the low halves; x = d * sub * code - dmin * m. Layout: block_q4_K in
// ggml/src/ggml-common.h, dequantize_row_q4_K in ggml/src/ggml-quants.c (ggml-org/llama.cpp).
// Scales and codes are searched for (search.h).
#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/search.h"
#include "blocks/six_bits.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256;
constexpr std::int64_t kScales = 4, kCodes = 16;  // bytes before each part
constexpr std::int64_t kBytes = 144;

void integers(const std::byte* block, BlockIntegers& out) {
  out.d = load_half(block);
  out.dmin = load_half(block + 2);
  read_six_bits(block + kScales, out);
  for (std::int64_t i = 0; i < kBlock; i += 64) read_nibbles(block + kCodes + i / 2, 32, out.q + i);
}

void store(const BlockIntegers& in, std::byte* block) {
  store_half(block, in.d);
  store_half(block + 2, in.dmin);
  write_six_bits(in, block + kScales);
  for (std::int64_t i = 0; i < kBlock; i += 64) write_nibbles(in.q + i, 32, block + kCodes + i / 2);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_affine_block({.elements = kBlock, .highest = 15, .sub_group = 32, .sub_highest = 63}, x,
                   importance, out);
}

}  // namespace

constinit const Format kQ4_KFormat{
    .type = Type::q4_k,
    .name = "q4_k",
    .gguf_id = 12,
    .file_type = 14,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 4, .scale_group = kBlock, .sub_group = 32, .minimum = true}};

}  // namespace bantam::blocks
