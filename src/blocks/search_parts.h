// What both searches (search.h) need: a block brought near 1, and rounding to codes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/rooms.h"
#include "blocks/format.h"
#include "blocks/half.h"

namespace bantam::blocks {

// Four neighbouring elements: a vector wherever there are vectors, and the same sums everywhere.
using Four = float __attribute__((vector_size(16)));

inline Four load_four(const float* from) {
  Four v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline float sum_of(Four v) { return (v[0] + v[1]) + (v[2] + v[3]); }

// Codes that are the whole numbers of a range. A NaN becomes one of them too.
struct WholeCodes {
  float lowest, highest;
  float step = 0.1f;  // between the inverse scales that are tried
  // The nearest, ties to even (2^23 * 1.5 leaves no bits for a fraction).
  template <class Number>
  Number operator()(Number x) const {
    Number low = Number{} + lowest, high = Number{} + highest;
    x = x < high ? x : high;
    x = x > low ? x : low;
    return (x + 12582912.0f) - 12582912.0f;
  }
};

// A block times a power of two, so that no sum overflows or vanishes.
struct ScaledBlock {
  float x[kMostBlock], w[kMostBlock];
  int exponent = 0;  // x = given * 2^-exponent
  bool finite = true, zero = true;

  ScaledBlock(const float* given, const float* importance, std::int64_t n);
  // A scale as it will be read, before and after the power of two is taken off.
  float stored(float d) const { return half_to_float(float_to_half(std::ldexp(d, exponent))); }
  float as_half(float d) const { return std::ldexp(stored(d), -exponent); }
};

inline ScaledBlock::ScaledBlock(const float* given, const float* importance, std::int64_t n) {
  float most = 0, heaviest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    finite = finite && std::isfinite(given[i]);
    most = std::max(most, std::fabs(given[i]));
    if (importance != nullptr) heaviest = std::max(heaviest, importance[i]);
  }
  zero = most == 0;
  if (!finite || zero) return;
  std::frexp(most, &exponent);
  int shift = 0;
  std::frexp(heaviest, &shift);
  const bool direct = std::abs(exponent) < 100 && std::abs(shift) < 100;
  const float scale = direct ? std::ldexp(1.0f, -exponent) : 1;
  const float weight = direct ? std::ldexp(1.0f, -shift) : 1;
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = direct ? given[i] * scale : std::ldexp(given[i], -exponent);
    w[i] = 1;
    // An element that nothing is known of still counts a little.
    if (heaviest > 0)
      w[i] = (direct ? importance[i] * weight : std::ldexp(importance[i], -shift)) + 1e-6f;
  }
}

}  // namespace bantam::blocks
