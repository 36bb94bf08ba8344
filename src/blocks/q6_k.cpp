// Q6_K: blocks of 256 elements in 16 groups of 16: the low four bits of the codes, the high two,
// a signed byte of scale for each group, a scale d in half precision; x = d * sub * (code - 32).
// In each half of a block, byte l of 64 has the low bits of elements l and 64 + l, and byte l of 32
// the high bits of elements l, 32 + l, 64 + l and 96 + l.
// Layout: block_q6_K in ggml/src/ggml-common.h, dequantize_row_q6_K in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Codes and scales are searched for by search.cpp.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/nibbles.h"
#include "blocks/search.h"

namespace bantam {

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
  for (std::int64_t half = 0; half < 2; ++half) {
    std::int8_t* q = out.q + 128 * half;
    const std::byte* high = block + kHigh + 32 * half;
    read_nibbles(block + 64 * half, 64, kLowest, q);
    for (std::int64_t i = 0; i < 128; ++i) {
      const int bits = std::to_integer<int>(high[i % 32]) >> (2 * (i / 32)) & 3;
      q[i] = static_cast<std::int8_t>(q[i] + 16 * bits);
    }
  }
}

void store(const BlockIntegers& in, std::byte* block) {
  std::memset(block, 0, kBytes);
  store_half(block + kScale, in.d);
  for (std::int64_t g = 0; g < kGroups; ++g)
    block[kScales + g] = static_cast<std::byte>(static_cast<std::int8_t>(in.sub[g]));
  for (std::int64_t i = 0; i < kBlock; ++i) {
    const std::int64_t half = i / 128, at = i % 128;
    const int code = in.q[i] - kLowest;
    block[64 * half + at % 64] |= static_cast<std::byte>((code & 15) << (4 * (at / 64)));
    block[kHigh + 32 * half + at % 32] |= static_cast<std::byte>((code >> 4) << (2 * (at / 32)));
  }
}

constexpr BlockShape kShape{.elements = kBlock,
                            .lowest = kLowest,
                            .highest = 31,
                            .sub_group = 16,
                            .sub_lowest = -128,
                            .sub_highest = 127};

void encode_weighted(const float* from, const float* importance, std::byte* to,
                     std::int64_t count) {
  BlockIntegers block;
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    fit_block(kShape, from + i, importance == nullptr ? nullptr : importance + i, block);
    store(block, to);
  }
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  encode_weighted(from, nullptr, to, count);
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
    .encode = encode,
    .encode_weighted = encode_weighted,
    .integers = integers,
    .packing = {.bits = 6, .lowest = kLowest, .scale_group = kBlock, .sub_group = 16}};

}  // namespace bantam
