// Q5_0: blocks of 32 elements; a scale d in half precision, the fifth bits of the codes in a word
// of 32, then the other four as in q4_0.cpp; x = d * (code - 16).
// Layout and rounding rule: block_q5_0 in ggml/src/ggml-common.h, quantize_row_q5_0_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp); see one_rounding.h. With weights: search.h.
#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/thirty_two.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 22;
constexpr int kLowest = -16;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  read_nibbles(block + 6, kBlock / 2, out.q);
  add_fifth_bits(block + 2, out.q);
  shift_codes(out.q, kBlock, kLowest);
}

void store(float d, std::int8_t* q, std::byte* block) {
  store_half(block, d);
  shift_codes(q, kBlock, -kLowest);
  write_nibbles(q, kBlock / 2, block + 6);
  write_fifth_bits(q, block + 2);
}

using Encoder = SymmetricEncoder<store, kLowest, kBytes>;

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
                                   .encode = Encoder::encode,
                                   .encode_weighted = Encoder::encode_weighted,
                                   .integers = integers,
                                   .packing = {.bits = 5, .lowest = kLowest}};

}  // namespace bantam::blocks
