// IQ3_XXS: blocks of 256 elements in 8 groups of 32: d in half precision, 64 bytes that name points
// of four (grids.h), then a word for each group: four times seven signs of eight elements, from bit
// 28 on the scale s; x = d / 4 * (2 s + 1) * +-number.
// Layout: block_iq3_xxs in ggml/src/ggml-common.h, dequantize_row_iq3_xxs in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kWords = 66;  // bytes before them
constexpr std::int64_t kBytes = 98;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block) / 4, kBlock);
  const auto& grid = iq3_xxs_grid();
  for (std::int64_t g = 0; g < kGroups; ++g) {
    std::uint32_t word;
    std::memcpy(&word, block + kWords + 4 * g, sizeof word);
    out.sub[2 * g] = out.sub[2 * g + 1] = static_cast<std::int16_t>(2 * (word >> 28) + 1);
    for (std::int64_t l = 0; l < 8; ++l) {
      const std::int64_t at = 8 * g + l;
      const int signs = even_signs(word >> (7 * (l / 2)) & 127);
      put_point(grid[std::to_integer<std::size_t>(block[2 + at])], signs >> (4 * (l % 2)),
                out.q + 4 * at);
    }
  }
}

}  // namespace

constinit const Format kIq3XXSFormat{
    .type = Type::iq3_xxs,
    .name = "iq3_xxs",
    .gguf_id = 18,
    .file_type = 23,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = nullptr,
    .integers = integers,
    .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 32, .unit = 0.25f}};

}  // namespace bantam::blocks
