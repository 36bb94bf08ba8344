// The numbers that four-bit codes of some types stand for. kvalues_iq4nl and kvalues_mxfp4 in
// ggml/src/ggml-common.h (ggml-org/llama.cpp): parts of the format.
#pragma once

#include <array>
#include <cstdint>

#include "base/rooms.h"

namespace bantam::blocks {

using FourBitTable = std::array<std::int8_t, 16>;

inline constexpr FourBitTable kIq4Table{-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};
inline constexpr FourBitTable kMxfp4Table{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

inline void codes_to_table(const FourBitTable& table, std::int64_t count, std::int8_t* q) {
  for (std::int64_t i = 0; i < count; ++i) q[i] = table[static_cast<std::size_t>(q[i])];
}

// Of numbers that stand in the table, which rises.
inline void table_to_codes(const FourBitTable& table, const std::int8_t* q, std::int64_t count,
                           std::int8_t* codes) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::int8_t code = 0;
    for (std::size_t j = 1; j < table.size(); ++j)
      code = static_cast<std::int8_t>(code + (q[i] >= table[j]));
    codes[i] = code;
  }
}

}  // namespace bantam::blocks
