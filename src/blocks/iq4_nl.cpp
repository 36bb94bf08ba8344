// IQ4_NL: blocks of 32 elements; a scale d in half precision, then 16 bytes of codes as in
// q4_0.cpp; x = d * table[code], a table of 16 numbers that are denser around zero
// (four_bit_tables.h). Layout: block_iq4_nl in ggml/src/ggml-common.h, dequantize_row_iq4_nl in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp). Scales and codes are searched for (search.h).
#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/four_bit_tables.h"
#include "blocks/from_integers.h"
#include "blocks/half.h"
#include "blocks/search.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 18;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block));
  read_nibbles(block + 2, kBlock / 2, out.q);
  codes_to_table(kIq4Table, kBlock, out.q);
}

void store(const BlockIntegers& in, std::byte* block) {
  std::int8_t codes[kBlock];
  table_to_codes(kIq4Table, in.q, kBlock, codes);
  store_half(block, in.d);
  write_nibbles(codes, kBlock / 2, block + 2);
}

void fit(const float* x, const float* importance, BlockIntegers& out) {
  fit_block({.elements = kBlock, .iq4_table = true}, x, importance, out);
}

}  // namespace

constinit const Format kIq4NLFormat{
    .type = Type::iq4_nl,
    .name = "iq4_nl",
    .gguf_id = 20,
    .file_type = 25,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = encode_searching<store, fit, kBlock, kBytes>,
    .encode_weighted = encode_searching_weighted<store, fit, kBlock, kBytes>,
    .integers = integers,
    .packing = {.bits = 4, .table = kIq4Table.data()}};

}  // namespace bantam::blocks
