// IQ3_S: blocks of 256 elements in 8 groups of 32: d in half precision, the low bytes of 64 codes,
// their ninth bits (eight to a byte), signs (a byte of eight elements), then scales s of four bits,
// two groups a byte; a code names a point of four (grids.h); x = d * (2 s + 1) * +-number.
// Layout: block_iq3_s in ggml/src/ggml-common.h, dequantize_row_iq3_s in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp). Read only.
#include <cstring>

#include "blocks/codecs.h"
#include "blocks/from_integers.h"
#include "blocks/grids.h"
#include "blocks/half.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 256, kGroups = 8;
constexpr std::int64_t kLow = 2, kHigh = 66, kSigns = 74, kScales = 106;  // bytes before each part
constexpr std::int64_t kBytes = 110;

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, load_half(block), kBlock);
  const auto& grid = iq3_s_grid();
  const auto byte = [block](std::int64_t i) { return std::to_integer<int>(block[i]); };
  for (std::int64_t g = 0; g < kGroups; ++g) {
    const int scale = byte(kScales + g / 2) >> (4 * (g % 2)) & 15;
    out.sub[2 * g] = out.sub[2 * g + 1] = static_cast<std::int16_t>(2 * scale + 1);
    for (std::int64_t l = 0; l < 8; ++l) {
      const std::int64_t at = 8 * g + l;
      const int code = byte(kLow + at) | (byte(kHigh + g) >> l & 1) << 8;
      put_point(grid[static_cast<std::size_t>(code)], byte(kSigns + at / 2) >> (4 * (l % 2)),
                out.q + 4 * at);
    }
  }
}

}  // namespace

constinit const Format kIq3SFormat{.type = Type::iq3_s,
                                   .name = "iq3_s",
                                   .gguf_id = 21,
                                   .file_type = 26,
                                   .safetensors = "",
                                   .block = kBlock,
                                   .block_bytes = kBytes,
                                   .quantised = true,
                                   .decode = decode_from_integers<integers, kBlock, kBytes>,
                                   .encode = nullptr,
                                   .integers = integers,
                                   .packing = {.bits = 8, .scale_group = kBlock, .sub_group = 32}};

}  // namespace bantam::blocks
