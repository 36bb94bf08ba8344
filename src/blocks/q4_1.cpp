// Q4_1: blocks of 32 elements; a scale d and a minimum in half precision, then 16 bytes of codes
// as in q4_0.cpp; x = d * code + minimum.
// Layout and rounding rule: block_q4_1 in ggml/src/ggml-common.h, quantize_row_q4_1_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp); see one_rounding.h. With weights: search.h.
#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/thirty_two.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 20;
constexpr int kHighest = 15;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  out.dmin = -load_half(block + 2);
  out.m[0] = out.m[1] = 1;
  read_nibbles(block + 4, kBlock / 2, out.q);
}

void store(float d, float minimum, const std::int8_t* q, std::byte* block) {
  store_half(block, d);
  store_half(block + 2, minimum);
  write_nibbles(q, kBlock / 2, block + 4);
}

using Encoder = AffineEncoder<store, kHighest, kBytes>;

}  // namespace

constinit const Format kQ4_1Format{.type = Type::q4_1,
                                   .name = "q4_1",
                                   .gguf_id = 3,
                                   .file_type = 3,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = Encoder::encode,
                                   .encode_weighted = Encoder::encode_weighted,
                                   .integers = integers,
                                   .packing = {.bits = 4, .minimum = true}};

}  // namespace bantam::blocks
