// IQ4_XS: blocks of 256 elements in 8 groups of 32: d in half precision, the high two bits of the
// groups' scales in a word of 16, their low four bits in four bytes, then 16 bytes of codes for
// each group as in q4_0.cpp; x = d * (scale - 32) * table[code] (four_bit_tables.h). Layout:
// block_iq4_xs in ggml/src/ggml-common.h, dequantize_row_iq4_xs in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Scales and codes are searched for (search.h).
#include <cstring>

#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/four_bit_tables.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/search.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kHigh = 2, kLow = 4, kCodes = 8;  // bytes before each part
constexpr std::int64_t kBytes = 136;
constexpr int kSubLowest = -32;

void integers(const std::byte* block, BlockIntegers& out) {
  out.d = load_half(block);
  out.dmin = 0;
  std::uint16_t high;
  std::memcpy(&high, block + kHigh, sizeof high);
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const int low = std::to_integer<int>(block[kLow + g / 2]) >> (4 * (g % 2)) & 15;
    const int scale = low | (high >> (2 * g) & 3) << 4;
    out.sub[2 * g] = out.sub[2 * g + 1] = static_cast<std::int16_t>(scale + kSubLowest);
    out.m[2 * g] = out.m[2 * g + 1] = 0;
    read_nibbles(block + kCodes + 16 * g, 16, out.q + 32 * g);
  }
  codes_to_table(kIq4Table, kBlock, out.q);
}

void store(const BlockIntegers& in, std::byte* block) {
  std::memset(block, 0, kBytes);
  store_half(block, in.d);
  std::int8_t codes[kBlock];
  table_to_codes(kIq4Table, in.q, kBlock, codes);
  int high = 0;
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const int scale = in.sub[2 * g] - kSubLowest;
    block[kLow + g / 2] |= static_cast<std::byte>((scale & 15) << (4 * (g % 2)));
    high |= scale >> 4 << (2 * g);
    write_nibbles(codes + 32 * g, 16, block + kCodes + 16 * g);
  }
  const auto word = static_cast<std::uint16_t>(high);
  std::memcpy(block + kHigh, &word, sizeof word);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_block({.elements = kBlock,
             .iq4_table = true,
             .sub_group = 32,
             .sub_lowest = kSubLowest,
             .sub_highest = 31},
            x, importance, out);
}

}  // namespace

constinit const Format kIq4XSFormat{
    .type = Type::iq4_xs,
    .name = "iq4_xs",
    .gguf_id = 23,
    .file_type = 30,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 4, .table = kIq4Table.data(), .scale_group = kBlock, .sub_group = 32}};

}  // namespace bantam::blocks
