// The encoder of ternary types: the largest magnitude is the scale, the rest is rounded once. Rule:
// quantize_row_tq2_0_ref in ggml/src/ggml-quants.c (ggml-org/llama.cpp).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/rooms.h"
#include "blocks/one_rounding.h"

namespace bantam::blocks {

// Codes 0, 1, 2 for -1, 0, 1; returns d in x ~ d * (code - 1): NaN for what is not finite. A block
// whose 1/d overflows becomes zeros.
inline float round_ternary(const float* x, std::int64_t count, std::int8_t* codes) {
  float d = 0;
  bool finite = true;
  for (std::int64_t i = 0; i < count; ++i) {
    finite = finite && std::isfinite(x[i]);
    d = std::max(d, std::fabs(x[i]));
  }
  const float inverse = d != 0 ? 1 / d : 0;
  const bool usable = finite && std::isfinite(inverse);
  for (std::int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<std::int8_t>(usable ? round_away(x[i] * inverse) + 1 : 1);
  return finite ? d : std::numeric_limits<float>::quiet_NaN();
}

}  // namespace bantam::blocks
