// Q3_K: blocks of 256 elements in 16 groups of 16: the highest bits of the codes, byte l of 32 with
// those of elements l, 32 + l, ..., 224 + l; their low two bits as in q2_k.cpp; the scales of the
// groups in six bits each; d in half precision; x = d * (scale - 32) * (code - 4).
// Of the scales' 12 bytes the first eight have the low four bits (of group g in byte g % 8, groups
// 8 to 15 in the high half), the others the high two, of group g in byte g % 4 at bit 2 * (g / 4).
// Layout: block_q3_K in ggml/src/ggml-common.h, dequantize_row_q3_K in ggml/src/ggml-quants.c
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
constexpr std::int64_t kLow = 32, kScales = 96, kScale = 108;  // bytes before each part
constexpr std::int64_t kBytes = 110;
constexpr int kLowest = -4, kSubLowest = -32;

void integers(const std::byte* block, BlockIntegers& out) {
  out.d = load_half(block + kScale);
  out.dmin = 0;
  const std::byte* scales = block + kScales;
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const int low = std::to_integer<int>(scales[g % 8]) >> (4 * (g / 8)) & 15;
    const int high = std::to_integer<int>(scales[8 + g % 4]) >> (2 * (g / 4)) & 3;
    out.sub[g] = static_cast<std::int16_t>((low | high << 4) + kSubLowest);
    out.m[g] = 0;
  }
  std::memset(out.q, kLowest, kBlock);
  add_planes(block + kLow, 32, 2, 1, kBlock, out.q);
  add_planes(block, 32, 1, 4, kBlock, out.q);
}

void store(const BlockIntegers& in, std::byte* block) {
  std::memset(block, 0, kBytes);
  store_half(block + kScale, in.d);
  std::byte* scales = block + kScales;
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const int scale = in.sub[g] - kSubLowest;
    scales[g % 8] |= static_cast<std::byte>((scale & 15) << (4 * (g / 8)));
    scales[8 + g % 4] |= static_cast<std::byte>((scale >> 4) << (2 * (g / 4)));
  }
  std::int8_t codes[kBlock];
  std::memcpy(codes, in.q, kBlock);
  shift_codes(codes, kBlock, -kLowest);
  write_planes(codes, kBlock, 0, 2, 32, block + kLow);
  write_planes(codes, kBlock, 2, 1, 32, block);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_block({.elements = kBlock,
             .lowest = kLowest,
             .highest = 3,
             .sub_group = 16,
             .sub_lowest = kSubLowest,
             .sub_highest = 31},
            x, importance, out);
}

}  // namespace

constinit const Format kQ3_KFormat{
    .type = Type::q3_k,
    .name = "q3_k",
    .gguf_id = 11,
    .file_type = 11,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 3, .lowest = kLowest, .scale_group = kBlock, .sub_group = 16}};

}  // namespace bantam::blocks
