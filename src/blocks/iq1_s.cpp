// IQ1_S: blocks of 256 elements in 8 groups of 32: d in half precision, the low bytes of 32 codes,
// then a word of 16 bits for each group: the high three bits of its four codes, the scale s (three
// bits), a sign; a code names a point of eight (grids.h); x = d * (2 s + 1) * (number +- 1/8).
// Layout: block_iq1_s in ggml/src/ggml-common.h, dequantize_row_iq1_s in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kLow = 2, kWords = 34;  // bytes before each part
constexpr std::int64_t kBytes = 50;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block) / 8, kBlock);
  const auto& grid = iq1_grid();
  for (std::int64_t g = 0; g < kGroups; ++g) {
    std::uint16_t word;
    std::memcpy(&word, block + kWords + 2 * g, sizeof word);
    out.sub[2 * g] = out.sub[2 * g + 1] = static_cast<std::int16_t>(2 * (word >> 12 & 7) + 1);
    for (std::int64_t l = 0; l < 4; ++l) {
      const std::int64_t at = 4 * g + l;
      const int code = std::to_integer<int>(block[kLow + at]) | (word >> (3 * l) & 7) << 8;
      put_shifted(grid[static_cast<std::size_t>(code)], (word & 0x8000) != 0, out.q + 8 * at);
    }
  }
}

}  // namespace

constinit const Format kIq1SFormat{
    .type = Type::iq1_s,
    .name = "iq1_s",
    .gguf_id = 19,
    .file_type = 24,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = nullptr,
    .integers = integers,
    .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 32, .unit = 0.125f}};

}  // namespace bantam::blocks
