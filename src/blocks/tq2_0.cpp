// TQ2_0: blocks of 256 elements of -1, 0 and 1: two bits each, then a scale d in half precision;
// x = d * (code - 1). In each half of a block, byte l of 32 has the codes of elements l, 32 + l,
// 64 + l and 96 + l, lowest bits first.
// Layout and rounding rule: block_tq2_0 in ggml/src/ggml-common.h, quantize_row_tq2_0_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp).
#include <cstring>

#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/ternary_rounding.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256;
constexpr std::int64_t kScale = 64;  // bytes before it
constexpr std::int64_t kBytes = 66;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block + kScale), kBlock);
  std::memset(out.q, -1, kBlock);
  add_planes(block, 32, 2, 1, kBlock, out.q);
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  std::int8_t codes[kBlock];
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    std::memset(to, 0, kBytes);
    store_half(to + kScale, round_ternary(from + i, kBlock, codes));
    write_planes(codes, kBlock, 0, 2, 32, to);
  }
}

}  // namespace

constinit const Format kTq2_0Format{.type = Type::tq2_0,
                                    .name = "tq2_0",
                                    .gguf_id = 35,
                                    .file_type = 37,
                                    .safetensors = "",
                                    .block = kBlock,
                                    .block_bytes = kBytes,
                                    .quantised = true,
                                    .decode = decode_from_integers<integers, kBlock, kBytes>,
                                    .encode = encode,
                                    .integers = integers,
                                    .packing = {.bits = 2, .lowest = -1, .scale_group = kBlock}};

}  // namespace bantam::blocks
