// Eight scales and eight minima of six bits each in 12 bytes, as Q4_K and Q5_K keep them: the first
// four scales in the low bits of bytes 0 to 3, the first four minima in those of 4 to 7; of the
// other four, the low four bits in bytes 8 to 11 (scale in the low half, minimum in the high), and
// the high two on top of bytes 0 to 3 (scales) and 4 to 7 (minima). get_scale_min_k4 in
// ggml/src/ggml-quants.c (ggml-org/llama.cpp).
#pragma once

#include "base/rooms.h"
#include "blocks/format.h"

namespace bantam::blocks {

inline void read_six_bits(const std::byte* from, BlockIntegers& out) {
  const auto at = [from](std::int64_t i) { return std::to_integer<int>(from[i]); };
  for (std::int64_t g = 0; g < 8; ++g) {
    const std::int64_t l = g % 4;
    const int sub = g < 4 ? at(l) & 63 : (at(8 + l) & 15) | at(l) >> 6 << 4;
    const int m = g < 4 ? at(4 + l) & 63 : at(8 + l) >> 4 | at(4 + l) >> 6 << 4;
    out.sub[2 * g] = out.sub[2 * g + 1] = static_cast<std::int16_t>(sub);
    out.m[2 * g] = out.m[2 * g + 1] = static_cast<std::uint8_t>(m);
  }
}

inline void write_six_bits(const BlockIntegers& in, std::byte* to) {
  for (std::int64_t l = 0; l < 4; ++l) {
    const int sub = in.sub[2 * l], m = in.m[2 * l];
    const int late_sub = in.sub[2 * l + 8], late_m = in.m[2 * l + 8];
    to[l] = static_cast<std::byte>(sub | late_sub >> 4 << 6);
    to[4 + l] = static_cast<std::byte>(m | late_m >> 4 << 6);
    to[8 + l] = static_cast<std::byte>((late_sub & 15) | (late_m & 15) << 4);
  }
}

}  // namespace bantam::blocks
