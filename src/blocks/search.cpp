#include "blocks/search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/half.h"

namespace bantam {

namespace {

// To the nearest whole number, ties to even, for |x| < 2^22: the same on every processor, and
// vectors can be made of it.
inline float rounded(float x) { return (x + 12582912.0f) - 12582912.0f; }

inline float code_of(float x, float inverse, float lowest, float highest) {
  return rounded(std::max(lowest, std::min(highest, x * inverse)));
}

// A block brought near 1 by powers of two, so that no sum overflows or vanishes.
struct Scaled {
  float x[kMostBlock], w[kMostBlock];
  int exponent = 0;  // x = given * 2^-exponent
  bool finite = true, zero = true;

  Scaled(const float* given, const float* importance, std::int64_t n) {
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
    for (std::int64_t i = 0; i < n; ++i) {
      x[i] = std::ldexp(given[i], -exponent);
      // An element that nothing is known of still counts a little.
      w[i] = heaviest > 0 ? std::ldexp(importance[i], -shift) + 1e-6f : 1.0f;
    }
  }

  // What becomes of a scale when it is stored.
  float stored(float d) const { return half_to_float(float_to_half(std::ldexp(d, exponent))); }
  float as_half(float d) const { return std::ldexp(stored(d), -exponent); }
};

struct Sums {
  float xq = 0, qq = 0;
};

Sums sums_at(const float* x, const float* w, std::int64_t n, float inverse, float lowest,
             float highest) {
  float xq[4] = {}, qq[4] = {};
  for (std::int64_t i = 0; i < n; i += 4)
    for (std::int64_t l = 0; l < 4; ++l) {
      const float q = code_of(x[i + l], inverse, lowest, highest), t = w[i + l] * q;
      xq[l] += t * x[i + l];
      qq[l] += t * q;
    }
  return {(xq[0] + xq[1]) + (xq[2] + xq[3]), (qq[0] + qq[1]) + (qq[2] + qq[3])};
}

// The scale of x ~ scale * q.
float fit_scale(const float* x, const float* w, std::int64_t n, float lowest, float highest) {
  float peak = 0;
  for (std::int64_t i = 0; i < n; ++i)
    if (std::fabs(x[i]) > std::fabs(peak)) peak = x[i];
  if (peak == 0) return 0;
  float best = 0, scale = 0;
  const auto attempt = [&](float inverse) {
    const Sums s = sums_at(x, w, n, inverse, lowest, highest);
    // Better by more than the rounding of the sums: else the first stays, which is exact for rows
    // of few values.
    if (s.qq <= 0 || s.xq * s.xq <= best * s.qq * 1.000002f) return false;
    best = s.xq * s.xq / s.qq;
    scale = s.xq / s.qq;
    return true;
  };
  attempt(lowest / peak);
  for (int step = -9; step <= 9; ++step) attempt((lowest - 0.1f * static_cast<float>(step)) / peak);
  if (lowest >= -8)  // few codes: the other end of the range may suit better
    for (int step = -4; step <= 9; ++step)
      attempt((highest + 0.1f * static_cast<float>(step)) / peak);
  for (int again = 0; again < 4 && scale != 0 && attempt(1 / scale); ++again) {
  }
  return scale;
}

float error_at(const float* x, const float* w, std::int64_t n, float scale, float lowest,
               float highest) {
  const float inverse = scale != 0 ? 1 / scale : 0;
  float sum[4] = {};
  for (std::int64_t i = 0; i < n; i += 4)
    for (std::int64_t l = 0; l < 4; ++l) {
      const float e = x[i + l] - scale * code_of(x[i + l], inverse, lowest, highest);
      sum[l] += w[i + l] * (e * e);
    }
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

class BlockFit {
 public:
  BlockFit(const BlockShape& shape, const Scaled& block)
      : shape_(shape),
        block_(block),
        group_(shape.sub_group != 0 ? shape.sub_group : shape.elements),
        groups_(shape.elements / group_),
        lowest_(static_cast<float>(shape.lowest)),
        highest_(static_cast<float>(shape.highest)) {}

  void run(BlockIntegers& out) {
    float scales[kMostBlock / 16], peak = 0;
    for (std::int64_t g = 0; g < groups_; ++g) {
      scales[g] = fit_scale(x(g), w(g), group_, lowest_, highest_);
      if (std::fabs(scales[g]) > std::fabs(peak)) peak = scales[g];
    }
    // The largest sub-scale lies at the longer end of its range.
    const int end =
        -shape_.sub_lowest > shape_.sub_highest ? shape_.sub_lowest : shape_.sub_highest;
    Candidate best = at(block_.as_half(peak / static_cast<float>(end)), scales);
    for (int again = 0; again < 3 && best.d != 0 && std::isfinite(best.d); ++again) {
      const Candidate next = at(block_.as_half(solved(best)), scales);
      if (!(next.error < best.error)) break;
      best = next;
    }
    write(best, out);
  }

 private:
  struct Candidate {
    float d = 0, error = 0;
    std::int16_t sub[kMostBlock / 16] = {};
  };

  const float* x(std::int64_t g) const { return block_.x + g * group_; }
  const float* w(std::int64_t g) const { return block_.w + g * group_; }

  // The best sub-scales under d, near those that were wished for.
  Candidate at(float d, const float* scales) const {
    Candidate c;
    c.d = d;
    for (std::int64_t g = 0; g < groups_; ++g) {
      const auto low = static_cast<float>(shape_.sub_lowest);
      const auto high = static_cast<float>(shape_.sub_highest);
      const float wish = d != 0 ? code_of(scales[g], 1 / d, low, high) : low;
      float least = std::numeric_limits<float>::infinity();
      for (float sub = std::max(low, wish - 1); sub <= std::min(high, wish + 1); ++sub) {
        const float error = error_at(x(g), w(g), group_, d * sub, lowest_, highest_);
        if (!(error < least)) continue;
        least = error;
        c.sub[g] = static_cast<std::int16_t>(sub);
      }
      c.error += least;
    }
    return c;
  }

  // The d that suits codes and sub-scales best.
  float solved(const Candidate& c) const {
    float xq = 0, qq = 0;
    for (std::int64_t g = 0; g < groups_; ++g) {
      const auto sub = static_cast<float>(c.sub[g]);
      if (sub == 0) continue;
      const Sums s = sums_at(x(g), w(g), group_, 1 / (c.d * sub), lowest_, highest_);
      xq += s.xq * sub;
      qq += s.qq * sub * sub;
    }
    return qq > 0 ? xq / qq : 0;
  }

  void write(const Candidate& c, BlockIntegers& out) const {
    out.d = block_.stored(c.d);
    if (c.d == 0) return;
    for (std::int64_t g = 0; g < groups_; ++g) {
      const float scale = c.d * static_cast<float>(c.sub[g]);
      const float inverse = scale != 0 ? 1 / scale : 0;
      for (std::int64_t i = g * group_; i < (g + 1) * group_; ++i) {
        out.q[i] = static_cast<std::int8_t>(code_of(block_.x[i], inverse, lowest_, highest_));
        out.sub[i / 16] = c.sub[g];
      }
    }
  }

  const BlockShape& shape_;
  const Scaled& block_;
  std::int64_t group_, groups_;
  float lowest_, highest_;
};

}  // namespace

void fit_block(const BlockShape& shape, const float* x, const float* importance,
               BlockIntegers& out) {
  out = {};
  const Scaled block(x, importance, shape.elements);
  if (!block.finite) out.d = std::numeric_limits<float>::quiet_NaN();
  if (!block.finite || block.zero) return;
  BlockFit(shape, block).run(out);
}

}  // namespace bantam
