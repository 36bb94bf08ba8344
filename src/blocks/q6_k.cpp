// Q6_K: blocks of 256 elements in 16 groups of 16: the low four bits of the codes, the high two,
// a signed byte of scale for each group, a scale d in half precision; x = d * sub * (code - 32).
// In each half of a block, byte l of 64 has the low bits of elements l and 64 + l, and byte l of 32
// the high bits of elements l, 32 + l, 64 + l and 96 + l.
// Layout: block_q6_K in ggml/src/ggml-common.h, dequantize_row_q6_K in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Scales and codes are searched for (search.h).
#include <cstring>

#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/search.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 16;
constexpr std::int64_t kHigh = 128, kScales = 192, kScale = 208;  // bytes before each part
constexpr std::int64_t kBytes = 210;
constexpr int kLowest = -32;

void integers(const std::byte* block, BlockIntegers& out) {
  out.d = load_half(block + kScale);
  out.dmin = 0;
  for (std::int64_t g = 0; g < kGroups; ++g) {
    out.sub[g] = static_cast<std::int8_t>(block[kScales + g]);
    out.m[g] = 0;
  }
  read_nibbles(block, 64, out.q);
  read_nibbles(block + 64, 64, out.q + 128);
  add_planes(block + kHigh, 32, 2, 16, kBlock, out.q);
  shift_codes(out.q, kBlock, kLowest);
}

void store(const BlockIntegers& in, std::byte* block) {
  std::memset(block, 0, kBytes);
  store_half(block + kScale, in.d);
  for (std::int64_t g = 0; g < kGroups; ++g)
    block[kScales + g] = static_cast<std::byte>(static_cast<std::int8_t>(in.sub[g]));
  std::int8_t codes[kBlock];
  std::memcpy(codes, in.q, kBlock);
  shift_codes(codes, kBlock, -kLowest);
  write_nibbles(codes, 64, block);
  write_nibbles(codes + 128, 64, block + 64);
  write_planes(codes, kBlock, 4, 2, 32, block + kHigh);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_block({.elements = kBlock,
             .lowest = kLowest,
             .highest = 31,
             .sub_group = 16,
             .sub_lowest = -128,
             .sub_highest = 127},
            x, importance, out);
}

}  // namespace

constinit const Format kQ6_KFormat{
    .type = Type::q6_k,
    .name = "q6_k",
    .gguf_id = 14,
    .file_type = 18,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 6, .lowest = kLowest, .scale_group = kBlock, .sub_group = 16}};

}  // namespace bantam::blocks
