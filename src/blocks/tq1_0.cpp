// TQ1_0: blocks of 256 elements of -1, 0 and 1, five to a byte: 48 bytes with 240 of them, four
// bytes with the last 16, then a scale d in half precision; x = d * (digit - 1). A byte is the
// fraction b / 256 = 0.d1 d2 d3 d4 d5 in base 3, rounded up. Elements lie in runs: 32 bytes with
// elements l, 32 + l, ..., 128 + l; 16 bytes with 160 + l, 176 + l, ..., 224 + l; four bytes with
// 240 + l, ..., 252 + l (and no fifth digit). Layout and rounding rule: block_tq1_0 in
// ggml/src/ggml-common.h, quantize_row_tq1_0_ref in ggml/src/ggml-quants.c (ggml-org/llama.cpp).
#include <array>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/ternary_rounding.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256;
constexpr std::int64_t kScale = 52;  // bytes before it
constexpr std::int64_t kBytes = 54;

struct Run {
  std::int64_t bytes, digits;
};
constexpr std::array<Run, 3> kRuns{{{32, 5}, {16, 5}, {4, 4}}};

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block + kScale), kBlock);
  std::int8_t* q = out.q;
  for (const Run& run : kRuns) {
    for (std::int64_t l = 0; l < run.bytes; ++l) {
      unsigned fraction = std::to_integer<unsigned>(*block++);
      for (std::int64_t digit = 0; digit < run.digits; ++digit) {
        fraction *= 3;  // the next digit comes before the point
        q[digit * run.bytes + l] = static_cast<std::int8_t>(static_cast<int>(fraction >> 8) - 1);
        fraction &= 255;
      }
    }
    q += run.bytes * run.digits;
  }
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  std::int8_t codes[kBlock];
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    store_half(to + kScale, round_ternary(from + i, kBlock, codes));
    const std::int8_t* q = codes;
    std::byte* byte = to;
    for (const Run& run : kRuns) {
      for (std::int64_t l = 0; l < run.bytes; ++l) {
        int number = 0;
        for (std::int64_t digit = 0; digit < 5; ++digit)
          number = number * 3 + (digit < run.digits ? q[digit * run.bytes + l] : 0);
        *byte++ = static_cast<std::byte>((number * 256 + 242) / 243);
      }
      q += run.bytes * run.digits;
    }
  }
}

}  // namespace

constinit const Format kTq1_0Format{.type = Type::tq1_0,
                                    .name = "tq1_0",
                                    .gguf_id = 34,
                                    .file_type = 36,
                                    .safetensors = "",
                                    .block = kBlock,
                                    .block_bytes = kBytes,
                                    .quantised = true,
                                    .decode = decode_from_integers<integers, kBlock, kBytes>,
                                    .encode = encode,
                                    .integers = integers,
                                    .packing = {.bits = 2, .lowest = -1, .scale_group = kBlock}};

}  // namespace bantam::blocks
