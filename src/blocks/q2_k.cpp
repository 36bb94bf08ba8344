// Q2_K: blocks of 256 elements in 16 groups of 16; a byte for each group (low half: its scale, high
// half: its minimum), 64 bytes of two-bit codes, then d and dmin in half precision;
// x = d * sub * code - dmin * m. In each half of a block, byte l of 32 has the codes of elements l,
// 32 + l, 64 + l and 96 + l, lowest bits first.
// Layout: block_q2_K in ggml/src/ggml-common.h, dequantize_row_q2_K in ggml/src/ggml-quants.c
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
constexpr std::int64_t kCodes = 16, kScale = 80;  // bytes before each part
constexpr std::int64_t kBytes = 84;

void integers(const std::byte* block, BlockIntegers& out) {
  out.d = load_half(block + kScale);
  out.dmin = load_half(block + kScale + 2);
  for (std::int64_t g = 0; g < kGroups; ++g) {
    out.sub[g] = std::to_integer<std::int16_t>(block[g] & std::byte{15});
    out.m[g] = std::to_integer<std::uint8_t>(block[g] >> 4);
  }
  std::memset(out.q, 0, kBlock);
  add_planes(block + kCodes, 32, 2, 1, kBlock, out.q);
}

void store(const BlockIntegers& in, std::byte* block) {
  std::memset(block, 0, kBytes);
  store_half(block + kScale, in.d);
  store_half(block + kScale + 2, in.dmin);
  for (std::int64_t g = 0; g < kGroups; ++g)
    block[g] = static_cast<std::byte>(in.sub[g] | in.m[g] << 4);
  write_planes(in.q, kBlock, 0, 2, 32, block + kCodes);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_affine_block({.elements = kBlock, .highest = 3, .sub_group = 16, .sub_highest = 15}, x,
                   importance, out);
}

}  // namespace

constinit const Format kQ2_KFormat{
    .type = Type::q2_k,
    .name = "q2_k",
    .gguf_id = 10,
    .file_type = 10,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 2, .scale_group = kBlock, .sub_group = 16, .minimum = true}};

}  // namespace bantam::blocks
