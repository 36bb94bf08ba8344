// Q5_K: blocks of 256 elements in 8 groups of 32: d, dmin, scales and minima as in q4_k.cpp, then
// the fifth bits of the codes, byte l of 32 with those of elements l, 32 + l, ..., 224 + l, and the
// other four as in q4_k.cpp; x = d * sub * code - dmin * m.
// Layout: block_q5_K in ggml/src/ggml-common.h, dequantize_row_q5_K in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Scales and codes are searched for (search.h).
#include <cstring>

#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/search.h"
#include "blocks/six_bits.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256;
constexpr std::int64_t kScales = 4, kHigh = 16, kCodes = 48;  // bytes before each part
constexpr std::int64_t kBytes = 176;

void integers(const std::byte* block, BlockIntegers& out) {
  out.d = load_half(block);
  out.dmin = load_half(block + 2);
  read_six_bits(block + kScales, out);
  for (std::int64_t i = 0; i < kBlock; i += 64) read_nibbles(block + kCodes + i / 2, 32, out.q + i);
  add_planes(block + kHigh, 32, 1, 16, kBlock, out.q);
}

void store(const BlockIntegers& in, std::byte* block) {
  std::memset(block, 0, kBytes);
  store_half(block, in.d);
  store_half(block + 2, in.dmin);
  write_six_bits(in, block + kScales);
  for (std::int64_t i = 0; i < kBlock; i += 64) write_nibbles(in.q + i, 32, block + kCodes + i / 2);
  write_planes(in.q, kBlock, 4, 1, 32, block + kHigh);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_affine_block({.elements = kBlock, .highest = 31, .sub_group = 32, .sub_highest = 63}, x,
                   importance, out);
}

}  // namespace

constinit const Format kQ5_KFormat{
    .type = Type::q5_k,
    .name = "q5_k",
    .gguf_id = 13,
    .file_type = 16,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 5, .scale_group = kBlock, .sub_group = 32, .minimum = true}};

}  // namespace bantam::blocks
