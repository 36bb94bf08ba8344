// The encoders of 32-wide types whose bytes are defined: the extreme elements fix the scale, the
// rest is rounded once. Rules: quantize_row_q4_0_ref and its like in ggml/src/ggml-quants.c
// (ggml-org/llama.cpp); the divisor is the scale before it is rounded to half. What that code
// leaves undefined is settled here: a block with a NaN or an infinity decodes to NaN, and one whose
// 1/d overflows (all of it under 1e-37) to its minimum, or zeros.
#pragma once

#include <cstdint>

#include "base/rooms.h"

namespace bantam::blocks {

// The element of largest magnitude becomes `lowest` (negative). Codes q in [lowest, -lowest - 1].
// Returns d in x ~ d * q.
float round_symmetric(const float* x, std::int64_t count, int lowest, std::int8_t* q);

struct ScaleAndMinimum {
  float d, minimum;
};
// The least element becomes 0, the largest `highest`: x ~ d * q + minimum.
ScaleAndMinimum round_affine(const float* x, std::int64_t count, int highest, std::int8_t* q);

// To the nearest whole number, halves away from zero, for |x| < 2^31. (std::round is a call where
// the processor may lack an instruction for it.)
inline int round_away(float x) {
  const int whole = static_cast<int>(x);
  const float rest = x - static_cast<float>(whole);
  return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

// Whether no element is a NaN or an infinity.
bool all_finite(const float* x, std::int64_t count);

}  // namespace bantam::blocks
