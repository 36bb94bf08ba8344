// IQ1_M: blocks of 256 elements in 16 groups of 16: the low bytes of 32 codes, then four bits for
// each code (the high three, and a sign), then four words of 16 bits: four scales s of three bits
// each, and on top four bits of d in half precision, lowest first; a code names a point of eight
// (grids.h); x = d * (2 s + 1) * (number +- 1/8).
// Layout: block_iq1_m in ggml/src/ggml-common.h, dequantize_row_iq1_m in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kHigh = 32, kWords = 48;  // bytes before each part
constexpr std::int64_t kBytes = 56;

void integers(const std::byte* block, BlockIntegers& out) {
  std::array<std::uint16_t, 4> words;
  std::memcpy(words.data(), block + kWords, sizeof words);
  unsigned half = 0;
  for (std::size_t i = 0; i < words.size(); ++i)
    half |= static_cast<unsigned>(words[i] >> 12) << (4 * i);
  plain_block(out, half_to_float(static_cast<std::uint16_t>(half)) / 8, kBlock);
  const auto& grid = iq1_grid();
  for (std::int64_t g = 0; g < 2 * kGroups; ++g) {
    const int scale = words[static_cast<std::size_t>(g / 4)] >> (3 * (g % 4)) & 7;
    out.sub[g] = static_cast<std::int16_t>(2 * scale + 1);
    const int high = std::to_integer<int>(block[kHigh + g]);
    for (std::int64_t l = 0; l < 2; ++l) {
      const int four = high >> (4 * l) & 15;
      const int code = std::to_integer<int>(block[2 * g + l]) | (four & 7) << 8;
      put_shifted(grid[static_cast<std::size_t>(code)], four >= 8, out.q + 16 * g + 8 * l);
    }
  }
}

}  // namespace

constinit const Format kIq1MFormat{
    .type = Type::iq1_m,
    .name = "iq1_m",
    .gguf_id = 29,
    .file_type = 31,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = nullptr,
    .integers = integers,
    .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 16, .unit = 0.125f}};

}  // namespace bantam::blocks
