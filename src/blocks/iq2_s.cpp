// IQ2_S: blocks of 256 elements in 16 groups of 16: d in half precision, the low bytes of 32 codes,
// their signs (a byte of eight), the codes' high two bits (four to a byte), then scales s of four
// bits, two groups a byte; a code names a point of eight (grids.h); x = d / 8 * (2 s + 1) *
// +-number. Layout: block_iq2_s in ggml/src/ggml-common.h, dequantize_row_iq2_s in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kLow = 2, kSigns = 34, kHigh = 66, kScales = 74;  // bytes before each part
constexpr std::int64_t kBytes = 82;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block) / 8, kBlock);
  const auto& grid = iq2_s_grid();
  const auto byte = [block](std::int64_t i) { return std::to_integer<int>(block[i]); };
  for (std::int64_t g = 0; g < kGroups; ++g) {
    out.sub[2 * g] = static_cast<std::int16_t>(2 * (byte(kScales + g) & 15) + 1);
    out.sub[2 * g + 1] = static_cast<std::int16_t>(2 * (byte(kScales + g) >> 4) + 1);
    for (std::int64_t l = 0; l < 4; ++l) {
      const std::int64_t at = 4 * g + l;
      const int code = byte(kLow + at) | (byte(kHigh + g) >> (2 * l) & 3) << 8;
      put_point(grid[static_cast<std::size_t>(code)], byte(kSigns + at), out.q + 8 * at);
    }
  }
}

}  // namespace

constinit const Format kIq2SFormat{
    .type = Type::iq2_s,
    .name = "iq2_s",
    .gguf_id = 22,
    .file_type = 28,
    .safetensors = "",
    .block = kBlock,
    .block_bytes = kBytes,
    .quantised = true,
    .decode = decode_from_integers<integers, kBlock, kBytes>,
    .encode = nullptr,
    .integers = integers,
    .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 16, .unit = 0.125f}};

}  // namespace bantam::blocks
