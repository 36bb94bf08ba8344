// The codebooks of the IQ types: a code names a point, the numbers of 4 or 8 neighbouring elements.
// They are part of the format: iq2xxs_grid and its like in ggml/src/ggml-common.h
// (ggml-org/llama.cpp), in the order there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/rooms.h"

namespace bantam::blocks {

template <std::size_t kPoints, std::size_t kWidth>
using Grid = std::array<std::array<std::int8_t, kWidth>, kPoints>;

const Grid<256, 8>& iq2_xxs_grid();  // 8, 25, 43
const Grid<512, 8>& iq2_xs_grid();
const Grid<1024, 8>& iq2_s_grid();
const Grid<256, 4>& iq3_xxs_grid();  // 4, 12, ..., 52, 62
const Grid<512, 4>& iq3_s_grid();    // 1, 3, ..., 15
const Grid<2048, 8>& iq1_grid();     // -1, 0, 1

// Puts a point of 4 or 8 numbers at q; bit i of `signs`: number i is negative.
template <std::size_t kWidth>
void put_point(const std::array<std::int8_t, kWidth>& point, int signs, std::int8_t* q) {
  for (std::size_t i = 0; i < kWidth; ++i)
    q[i] = static_cast<std::int8_t>((signs >> i & 1) != 0 ? -point[i] : point[i]);
}

// Eight times the numbers of a point, less one each (`down`) or more.
inline void put_shifted(const std::array<std::int8_t, 8>& point, bool down, std::int8_t* q) {
  for (std::size_t i = 0; i < point.size(); ++i)
    q[i] = static_cast<std::int8_t>(8 * point[i] + (down ? -1 : 1));
}

// Seven signs and the eighth, by which their number is even (ksigns_iq2xs there).
inline int even_signs(unsigned seven) {
  unsigned parity = seven ^ seven >> 4;
  parity ^= parity >> 2;
  return static_cast<int>(seven | ((parity ^ parity >> 1) & 1) << 7);
}

}  // namespace bantam::blocks
