// Q5_0: blocks of 32 elements; a scale d in half precision, the fifth bits of the codes in a word
// of 32, then the other four as in q4_0.cpp; x = d * (code - 16).
// Layout and rounding rule: block_q5_0 in ggml/src/ggml-common.h, quantize_row_q5_0_ref in
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
constexpr std::int64_t kBytes = 22;
constexpr int kLowest = -16;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  read_nibbles(block + 6, kBlock / 2, out.q);
  std::uint32_t high;  // bit i: the fifth of code i
  std::memcpy(&high, block + 2, sizeof high);
  for (std::int64_t i = 0; i < kBlock; ++i)
    out.q[i] = static_cast<std::int8_t>(out.q[i] + static_cast<int>((high >> i & 1) << 4));
  shift_codes(out.q, kBlock, kLowest);
}

void store(float d, std::int8_t* q, std::byte* block) {
  store_half(block, d);
  shift_codes(q, kBlock, -kLowest);
  write_nibbles(q, kBlock / 2, block + 6);
  std::uint32_t high = 0;
  for (std::int64_t i = 0; i < kBlock; ++i) high |= static_cast<std::uint32_t>(q[i] >> 4) << i;
  std::memcpy(block + 2, &high, sizeof high);
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  std::int8_t q[kBlock];
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    const float d = round_symmetric(from + i, kBlock, kLowest, q);
    store(d, q, to);
  }
}

void encode_weighted(const float* from, const float* importance, std::byte* to,
                     std::int64_t count) {
  constexpr BlockShape kShape{.elements = kBlock, .lowest = kLowest, .highest = -kLowest - 1};
  BlockIntegers block;
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    fit_block(kShape, from + i, importance + i, block);
    store(block.d, block.q, to);
  }
}

}  // namespace

constinit const Format kQ5_0Format{.type = Type::q5_0,
                                   .name = "q5_0",
                                   .gguf_id = 6,
                                   .file_type = 8,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = encode,
                                   .encode_weighted = encode_weighted,
                                   .integers = integers,
                                   .packing = {.bits = 5, .lowest = kLowest}};

}  // namespace bantam
