// Rules of the arithmetics that every instruction set keeps, in plain C++. Not for use between the
// marks of target.h.
#pragma once

#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>

#include "base/rooms.h"
#include "blocks/half.h"

namespace bantam::kernels {

// Which NaN comes out of an operation on two differs by processor and by the order of operands: the
// products write this one.
constexpr std::uint32_t kNan = 0x7fc00000;
// What the largest activation of a group becomes in two planes of 8 bits: 127 * 128.
constexpr float kMostOfTwoPlanes = 16256;
inline float canonical(float value) { return value != value ? std::bit_cast<float>(kNan) : value; }

// Rounding to bf16 as VCVTNEPS2BF16 does it: half.h's, but subnormals become zero.
inline std::uint16_t round_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7f800000u) == 0) return static_cast<std::uint16_t>(bits >> 31 << 15);
  return float_to_bf16(value);
}

// Subnormals are zero (with their sign), as on tiles and with MXCSR's FTZ and DAZ.
inline float flush(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) == 0 ? std::copysign(0.0f, value)
                                                                  : value;
}
// x * y + sum, a result that is tiny flushed. Tiny is what is under FLT_MIN after rounding to 24
// bits with any exponent (x86), so the number just below FLT_MIN that IEEE rounds up to it is tiny
// too, unless it is within 2^-151.
inline float flushed_fma(float x, float y, float sum) {
  const float result = std::fma(x, y, sum);
  if (!(std::fabs(result) <= FLT_MIN)) return result;
  const double exact = std::fma(double{x}, double{y}, double{sum});
  return std::fabs(exact) < 0x1p-126 - 0x1p-151 ? std::copysign(0.0f, result) : result;
}

// The tree that folds 16 lanes.
inline float fold(const float (&lane)[16]) {
  float r1[8], r2[4];
  for (int l = 0; l < 8; ++l) r1[l] = lane[l] + lane[l + 8];
  for (int l = 0; l < 4; ++l) r2[l] = r1[l] + r1[l + 4];
  return (r2[0] + r2[2]) + (r2[1] + r2[3]);
}

}  // namespace bantam::kernels
