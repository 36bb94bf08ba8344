// Decoding a block type by way of its whole numbers: one definition of what a block means.
#pragma once

#include "base/rooms.h"
#include "blocks/format.h"

namespace bantam::blocks {

// x = d * sub * q - dmin * m, as ggml's dequantize_row functions round it (ggml/src/ggml-quants.c,
// ggml-org/llama.cpp): d * sub first, one rounding for the product and one for the difference.
template <void (*integers)(const std::byte*, BlockIntegers&), std::int64_t kElements,
          std::int64_t kBytes>
void decode_from_integers(const std::byte* from, float* to, std::int64_t count) {
  BlockIntegers block;
  for (std::int64_t b = 0; b < count / kElements; ++b, from += kBytes) {
    integers(from, block);
    for (std::int64_t g = 0; g < kElements / 16; ++g) {
      const float scale = block.d * static_cast<float>(block.sub[g]);
      const float minimum = block.dmin * static_cast<float>(block.m[g]);
      for (std::int64_t i = g * 16; i < g * 16 + 16; ++i)
        *to++ = scale * static_cast<float>(block.q[i]) - minimum;
    }
  }
}

// Of a type without sub-scales and minima.
inline void plain_block(BlockIntegers& out, float d, std::int64_t elements = 32) {
  out.d = d;
  out.dmin = 0;
  for (std::int64_t g = 0; g < elements / 16; ++g) {
    out.sub[g] = 1;
    out.m[g] = 0;
  }
}

}  // namespace bantam::blocks
