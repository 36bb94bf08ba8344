// The search of types without minima: see search.h.
#include <array>
#include <limits>

#include "blocks/four_bit_tables.h"
#include "blocks/search.h"
#include "blocks/search_parts.h"

namespace bantam::blocks {

namespace {

// Codes that are numbers of a table.
struct TableCodes {
  float lowest, highest;
  float step = 1;
  // The nearest number for each half step from -128 on: where two are as near is a multiple of it.
  std::array<float, 512> nearest;

  explicit TableCodes(const FourBitTable& table)
      : lowest(static_cast<float>(table.front())), highest(static_cast<float>(table.back())) {
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      const float x = static_cast<float>(i) / 2 - 128 + 0.25f;
      nearest[i] = lowest;
      for (const std::int8_t number : table)
        if (std::fabs(static_cast<float>(number) - x) < std::fabs(nearest[i] - x))
          nearest[i] = static_cast<float>(number);
    }
  }
  float operator()(float x) const {
    const float inside = x < highest ? (x > lowest ? x : lowest) : highest;
    return nearest[static_cast<std::size_t>((inside + 128) * 2)];
  }
  Four operator()(Four x) const {
    return Four{(*this)(x[0]), (*this)(x[1]), (*this)(x[2]), (*this)(x[3])};
  }
};

struct Sums {
  float xq = 0, qq = 0;
};

template <class Codes>
class SymmetricFit {
 public:
  SymmetricFit(const BlockShape& shape, const Codes& codes, const ScaledBlock& block)
      : shape_(shape),
        codes_(codes),
        block_(block),
        group_(shape.sub_group != 0 ? shape.sub_group : shape.elements),
        groups_(shape.elements / group_) {}

  void run(BlockIntegers& out) const {
    float scales[kMostBlock / 16], peak = 0;
    for (std::int64_t g = 0; g < groups_; ++g) {
      scales[g] = fit_scale(g);
      if (std::fabs(scales[g]) > std::fabs(peak)) peak = scales[g];
    }
    // The largest sub-scale lies at the longer end of its range.
    const int end =
        -shape_.sub_lowest > shape_.sub_highest ? shape_.sub_lowest : shape_.sub_highest;
    Candidate best = at(block_.as_half(peak / static_cast<float>(end)), scales);
    for (int again = 0; again < 4 && best.d != 0 && std::isfinite(best.d); ++again) {
      for (std::int64_t g = 0; g < groups_; ++g)
        scales[g] = best.d * static_cast<float>(best.sub[g]);
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

  Sums sums_at(std::int64_t g, float inverse) const {
    Four xq{}, qq{};
    for (std::int64_t i = 0; i < group_; i += 4) {
      const Four v = load_four(x(g) + i), q = codes_(v * inverse), t = load_four(w(g) + i) * q;
      xq += t * v;
      qq += t * q;
    }
    return {sum_of(xq), sum_of(qq)};
  }

  float error_at(std::int64_t g, float scale) const {
    const float inverse = scale != 0 ? 1 / scale : 0;
    Four sum{};
    for (std::int64_t i = 0; i < group_; i += 4) {
      const Four v = load_four(x(g) + i), e = v - scale * codes_(v * inverse);
      sum += load_four(w(g) + i) * (e * e);
    }
    return sum_of(sum);
  }

  // The scale of a group alone.
  float fit_scale(std::int64_t g) const {
    float peak = 0;
    for (std::int64_t i = 0; i < group_; ++i)
      if (std::fabs(x(g)[i]) > std::fabs(peak)) peak = x(g)[i];
    if (peak == 0) return 0;
    float best = 0, scale = 0;
    const auto attempt = [&](float inverse) {
      const Sums s = sums_at(g, inverse);
      // Better by more than the rounding of the sums: else the first stays, which is exact for
      // rows of few values.
      if (s.qq <= 0 || s.xq * s.xq <= best * s.qq * 1.000002f) return false;
      best = s.xq * s.xq / s.qq;
      scale = s.xq / s.qq;
      return true;
    };
    attempt(codes_.lowest / peak);
    for (int step = -9; step <= 9; ++step)
      attempt((codes_.lowest - codes_.step * static_cast<float>(step)) / peak);
    // Few codes: the other end of the range may suit the largest element better.
    if (codes_.lowest >= -8 || codes_.lowest < -100)
      for (int step = -9; step <= 9; ++step)
        attempt((codes_.highest + codes_.step * static_cast<float>(step)) / peak);
    for (int again = 0; again < 4 && scale != 0 && attempt(1 / scale); ++again) {
    }
    return scale;
  }

  // The best sub-scales under d, near those that were wished for.
  Candidate at(float d, const float* scales) const {
    Candidate c;
    c.d = d;
    const WholeCodes subs{static_cast<float>(shape_.sub_lowest),
                          static_cast<float>(shape_.sub_highest)};
    for (std::int64_t g = 0; g < groups_; ++g) {
      const float wish = d != 0 ? subs(scales[g] / d) : subs.lowest;
      float least = std::numeric_limits<float>::infinity();
      for (float by : {0.0f, -1.0f, 1.0f}) {
        const float sub = wish + by;
        if (sub < subs.lowest || sub > subs.highest) continue;
        const float error = error_at(g, d * sub);
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
      const Sums s = sums_at(g, 1 / (c.d * sub));
      xq += s.xq * sub;
      qq += s.qq * sub * sub;
    }
    return qq > 0 ? xq / qq : 0;
  }

  void write(const Candidate& c, BlockIntegers& out) const {
    out.d = block_.stored(c.d);
    for (std::int64_t g = 0; g < groups_; ++g) {
      const float scale = c.d * static_cast<float>(c.sub[g]);
      const float inverse = scale != 0 ? 1 / scale : 0;
      for (std::int64_t i = g * group_; i < (g + 1) * group_; ++i) {
        out.q[i] = static_cast<std::int8_t>(codes_(block_.x[i] * inverse));
        out.sub[i / 16] = c.d != 0 ? c.sub[g] : std::int16_t{0};
      }
    }
  }

  const BlockShape& shape_;
  const Codes& codes_;
  const ScaledBlock& block_;
  std::int64_t group_, groups_;
};

}  // namespace

void fit_block(const BlockShape& shape, const float* x, const float* importance,
               BlockIntegers& out) {
  out = {};
  const ScaledBlock block(x, importance, shape.elements);
  if (!block.finite) out.d = std::numeric_limits<float>::quiet_NaN();
  if (!block.finite || block.zero) return;
  if (shape.iq4_table) {
    static const TableCodes codes(kIq4Table);
    return SymmetricFit(shape, codes, block).run(out);
  }
  const WholeCodes codes{static_cast<float>(shape.lowest), static_cast<float>(shape.highest)};
  SymmetricFit(shape, codes, block).run(out);
}

}  // namespace bantam::blocks
