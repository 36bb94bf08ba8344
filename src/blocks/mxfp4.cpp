// MXFP4: blocks of 32 elements of four bits each (a sign, two bits of exponent, one of fraction)
// under a shared power of two: the OCP Microscaling Formats specification, version 1.0. Here the 16
// numbers are doubled to be whole (four_bit_tables.h), so d = 2^(e - 128) for the byte e.
// Layout and rounding rule: block_mxfp4 in ggml/src/ggml-common.h, quantize_row_mxfp4_ref in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp). A block that holds what is not finite decodes to
// infinities.
#include <algorithm>
#include <bit>
#include <cmath>

#include "blocks/bit_planes.h"
#include "blocks/codecs.h"
#include "blocks/four_bit_tables.h"
#include "blocks/from_integers.h"
#include "blocks/one_rounding.h"

namespace bantam::blocks {

namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBytes = 17;

// 2^(e - 128)
float power(int e) {
  const auto bits = static_cast<std::uint32_t>(e);
  return std::bit_cast<float>(e < 2 ? 0x200000u << bits : (bits - 1) << 23);
}

void integers(const std::byte* block, BlockIntegers& out) {
  plain_block(out, power(std::to_integer<int>(block[0])));
  read_nibbles(block + 1, kBlock / 2, out.q);
  codes_to_table(kMxfp4Table, kBlock, out.q);
}

// The nearest of the 16 numbers times d; of two that are as near, the first.
std::int8_t nearest_code(float x, float d) {
  std::int8_t best = 0;
  float least = std::fabs(x);
  for (std::size_t code = 1; code < kMxfp4Table.size(); ++code) {
    const float error = std::fabs(static_cast<float>(kMxfp4Table[code]) * d - x);
    if (!(error < least)) continue;
    least = error;
    best = static_cast<std::int8_t>(code);
  }
  return best;
}

void encode(const float* from, std::byte* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kBlock, to += kBytes) {
    float most = 0;
    for (std::int64_t j = i; j < i + kBlock; ++j) most = std::max(most, std::fabs(from[j]));
    const bool finite = all_finite(from + i, kBlock);
    // The largest magnitude lies in [4, 8) of the grid's units, or is rounded to 6 of them.
    const int e = !finite ? 255 : most > 0 ? std::clamp(std::ilogb(most) - 2 + 127, 0, 255) : 0;
    const float d = power(e);
    std::int8_t codes[kBlock];
    for (std::int64_t j = 0; j < kBlock; ++j)
      codes[j] = finite ? nearest_code(from[i + j], d) : std::int8_t{7};
    to[0] = static_cast<std::byte>(e);
    write_nibbles(codes, kBlock / 2, to + 1);
  }
}

}  // namespace

constinit const Format kMxfp4Format{.type = Type::mxfp4,
                                    .name = "mxfp4",
                                    .gguf_id = 39,
                                    .file_type = 38,
                                    .safetensors = "",
                                    .block = kBlock,
                                    .block_bytes = kBytes,
                                    .quantised = true,
                                    .decode = decode_from_integers<integers, kBlock, kBytes>,
                                    .encode = encode,
                                    .integers = integers,
                                    .packing = {.bits = 4, .table = kMxfp4Table.data(), .unit = 0}};

}  // namespace bantam::blocks
