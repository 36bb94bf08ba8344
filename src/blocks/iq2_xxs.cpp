// IQ2_XXS: blocks of 256 elements in 8 groups of 32: d in half precision, then for each group four
// bytes that name points of eight (grids.h), and a word: four times seven signs, from bit 28 on the
// scale s; x = d / 8 * (2 s + 1) * +-number.
// Layout: block_iq2_xxs in ggml/src/ggml-common.h, dequantize_row_iq2_xxs in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kBytes = 66;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block) / 8, kBlock);
  const auto& grid = iq2_xxs_grid();
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const std::byte* codes = block + 2 + 8 * g;
    std::uint32_t word;
    std::memcpy(&word, codes + 4, sizeof word);
    out.sub[2 * g] = out.sub[2 * g + 1] = static_cast<std::int16_t>(2 * (word >> 28) + 1);
    for (std::int64_t l = 0; l < 4; ++l)
      put_point(grid[std::to_integer<std::size_t>(codes[l])], even_signs(word >> (7 * l) & 127),
                out.q + 32 * g + 8 * l);
  }
}

}  // namespace

constinit const Format kIq2XXSFormat{
    .type = Type::iq2_xxs,
    .name = "iq2_xxs",
    .gguf_id = 16,
    .file_type = 19,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = nullptr,
    .integers = integers,
    .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 32, .unit = 0.125f}};

}  // namespace bantam::blocks
