// IQ2_XS: blocks of 256 elements in 16 groups of 16: d in half precision, 32 words of 16 bits (nine
// name a point of eight, grids.h; seven are signs), then scales s of four bits, two groups a byte;
// x = d / 8 * (2 s + 1) * +-number.
// Layout: block_iq2_xs in ggml/src/ggml-common.h, dequantize_row_iq2_xs in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kScales = 66;  // bytes before them
constexpr std::int64_t kBytes = 74;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block) / 8, kBlock);
  const auto& grid = iq2_xs_grid();
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const int scales = std::to_integer<int>(block[kScales + g]);
    out.sub[2 * g] = static_cast<std::int16_t>(2 * (scales & 15) + 1);
    out.sub[2 * g + 1] = static_cast<std::int16_t>(2 * (scales >> 4) + 1);
    for (std::int64_t l = 4 * g; l < 4 * g + 4; ++l) {
      std::uint16_t code;
      std::memcpy(&code, block + 2 + 2 * l, sizeof code);
      put_point(grid[code & 511], even_signs(static_cast<unsigned>(code) >> 9), out.q + 8 * l);
    }
  }
}

}  // namespace

constinit const Format kIq2XSFormat{
    .type = Type::iq2_xs,
    .name = "iq2_xs",
    .gguf_id = 17,
    .file_type = 20,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = nullptr,
    .integers = integers,
    .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 16, .unit = 0.125f}};

}  // namespace bantam::blocks
