// The search of types with minima: see search.h.
#include <limits>

#include "blocks/search.h"
#include "blocks/search_parts.h"

namespace bantam::blocks {

namespace {

// x ~ scale * q - minimum
struct Line {
  float scale = 0, minimum = 0;
};

// Weighted sums over a group: those without codes are found once.
struct PlainSums {
  float w = 0, x = 0, xx = 0;
};
struct CodeSums {
  float q = 0, xq = 0, qq = 0;
};

class AffineFit {
 public:
  AffineFit(const BlockShape& shape, const ScaledBlock& block)
      : shape_(shape),
        block_(block),
        group_(shape.sub_group != 0 ? shape.sub_group : shape.elements),
        groups_(shape.elements / group_),
        codes_{0, static_cast<float>(shape.highest)},
        subs_{0, static_cast<float>(shape.sub_highest)} {
    for (std::int64_t g = 0; g < groups_; ++g) plain_[g] = plain_sums(g);
  }

  void run(BlockIntegers& out) const {
    Line lines[kMostBlock / 16], most;
    for (std::int64_t g = 0; g < groups_; ++g) {
      lines[g] = fit_line(g);
      most.scale = std::max(most.scale, lines[g].scale);
      most.minimum =
          shape_.sub_group != 0 ? std::max(most.minimum, lines[g].minimum) : lines[g].minimum;
    }
    // From two beginnings: the largest scale at the end of its range, and a little under it.
    Candidate best = descent(most, 1, lines);
    if (shape_.sub_group != 0)
      if (const Candidate other = descent(most, 1.04f, lines); other.error < best.error)
        best = other;
    write(best, out);
  }

 private:
  struct Candidate {
    Line d;  // d and dmin
    float error = 0;
    std::int16_t sub[kMostBlock / 16] = {};
    std::uint8_t m[kMostBlock / 16] = {};
    Line line(std::int64_t g) const {
      return {d.scale * static_cast<float>(sub[g]), d.minimum * static_cast<float>(m[g])};
    }
  };

  const float* x(std::int64_t g) const { return block_.x + g * group_; }
  const float* w(std::int64_t g) const { return block_.w + g * group_; }

  Candidate descent(Line most, float factor, const Line* lines) const {
    const float by = factor / subs_.highest;
    Candidate best = at({most.scale * by, most.minimum * by}, lines);
    Line reached[kMostBlock / 16];
    for (int again = 0; again < 4 && std::isfinite(best.d.scale + best.d.minimum); ++again) {
      for (std::int64_t g = 0; g < groups_; ++g) reached[g] = best.line(g);
      const Candidate next = at(solved(best), reached);
      if (!(next.error < best.error)) break;
      best = next;
    }
    return best;
  }

  PlainSums plain_sums(std::int64_t g) const {
    Four w_sum{}, x_sum{}, xx{};
    for (std::int64_t i = 0; i < group_; i += 4) {
      const Four v = load_four(x(g) + i), t = load_four(w(g) + i);
      w_sum += t;
      x_sum += t * v;
      xx += t * v * v;
    }
    return {sum_of(w_sum), sum_of(x_sum), sum_of(xx)};
  }

  CodeSums sums_at(std::int64_t g, Line line) const {
    const float inverse = line.scale != 0 ? 1 / line.scale : 0;
    Four q_sum{}, xq{}, qq{};
    for (std::int64_t i = 0; i < group_; i += 4) {
      const Four v = load_four(x(g) + i), q = codes_((v + line.minimum) * inverse);
      const Four t = load_four(w(g) + i) * q;
      q_sum += t;
      xq += t * v;
      qq += t * q;
    }
    return {sum_of(q_sum), sum_of(xq), sum_of(qq)};
  }

  float error_at(std::int64_t g, Line line) const {
    const float inverse = line.scale != 0 ? 1 / line.scale : 0;
    Four sum{};
    for (std::int64_t i = 0; i < group_; i += 4) {
      const Four v = load_four(x(g) + i) + line.minimum, e = v - line.scale * codes_(v * inverse);
      sum += load_four(w(g) + i) * (e * e);
    }
    return sum_of(sum);
  }

  // The line through the codes; where minima are whole multiples of dmin none is negative.
  Line least_squares(const PlainSums& p, const CodeSums& s) const {
    const float determinant = p.w * s.qq - s.q * s.q;
    if (!(determinant > 0)) return {0, -p.x / p.w};
    Line line{(p.w * s.xq - s.q * p.x) / determinant, (s.q * s.xq - s.qq * p.x) / determinant};
    if (shape_.sub_group != 0 && line.minimum < 0) line = {s.qq > 0 ? s.xq / s.qq : 0, 0};
    return line;
  }

  // The line of a group alone.
  Line fit_line(std::int64_t g) const {
    float least = x(g)[0], most = x(g)[0];
    for (std::int64_t i = 1; i < group_; ++i) {
      least = std::min(least, x(g)[i]);
      most = std::max(most, x(g)[i]);
    }
    if (shape_.sub_group != 0) least = std::min(least, 0.0f);
    if (most <= least) return {0, -least};
    const PlainSums& p = plain_[g];
    Line best{(most - least) / codes_.highest, -least};
    float error = error_at(g, best);
    const auto attempt = [&](Line from) {
      const CodeSums s = sums_at(g, from);
      const Line line = least_squares(p, s);
      // What is left is at right angles to what is fitted; rounding of the sums is no gain.
      const float e = p.xx - line.scale * s.xq + line.minimum * p.x;
      if (!(line.scale > 0) || !(e < error - 2e-7f * p.xx)) return false;
      error = e;
      best = line;
      return true;
    };
    for (int step = -10; step <= 10; ++step)
      attempt({(most - least) / (codes_.highest + codes_.step * static_cast<float>(step)), -least});
    for (int again = 0; again < 4 && attempt(best); ++again) {
    }
    return best;
  }

  // The best sub-scales and minima under d and dmin, near those that were wished for.
  Candidate at(Line d, const Line* lines) const {
    Candidate c;
    c.d = {block_.as_half(d.scale), block_.as_half(d.minimum)};
    for (std::int64_t g = 0; g < groups_; ++g) {
      const Line wish{c.d.scale > 0 ? subs_(lines[g].scale / c.d.scale) : 0,
                      c.d.minimum != 0 ? subs_(lines[g].minimum / c.d.minimum) : 0};
      float least = std::numeric_limits<float>::infinity();
      for (const float by : {0.0f, -1.0f, 1.0f})
        for (const float m_by : {0.0f, -1.0f, 1.0f}) {
          const float sub = wish.scale + by, m = wish.minimum + m_by;
          if (sub < 0 || m < 0 || sub > subs_.highest || m > subs_.highest) continue;
          const float error = error_at(g, {c.d.scale * sub, c.d.minimum * m});
          if (!(error < least)) continue;
          least = error;
          c.sub[g] = static_cast<std::int16_t>(sub);
          c.m[g] = static_cast<std::uint8_t>(m);
        }
      c.error += least;
    }
    return c;
  }

  // The d and dmin that suit everything else best: least squares in a = sub * q and b = m,
  // x ~ d a - dmin b.
  Line solved(const Candidate& c) const {
    float aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
    for (std::int64_t g = 0; g < groups_; ++g) {
      const auto sub = static_cast<float>(c.sub[g]), m = static_cast<float>(c.m[g]);
      const CodeSums s = sums_at(g, c.line(g));
      aa += s.qq * sub * sub;
      ab += s.q * sub * m;
      bb += plain_[g].w * m * m;
      xa += s.xq * sub;
      xb += plain_[g].x * m;
    }
    const float determinant = aa * bb - ab * ab;
    if (determinant > 1e-6f * aa * bb)
      return {(bb * xa - ab * xb) / determinant, (ab * xa - aa * xb) / determinant};
    return {aa > 0 ? (xa + c.d.minimum * ab) / aa : 0, c.d.minimum};
  }

  void write(const Candidate& c, BlockIntegers& out) const {
    out.d = block_.stored(c.d.scale);
    out.dmin = block_.stored(c.d.minimum);
    for (std::int64_t g = 0; g < groups_; ++g) {
      const Line line = c.line(g);
      const float inverse = line.scale != 0 ? 1 / line.scale : 0;
      for (std::int64_t i = g * group_; i < (g + 1) * group_; ++i) {
        out.q[i] = static_cast<std::int8_t>(codes_((block_.x[i] + line.minimum) * inverse));
        out.sub[i / 16] = c.sub[g];
        out.m[i / 16] = c.m[g];
      }
    }
  }

  const BlockShape& shape_;
  const ScaledBlock& block_;
  std::int64_t group_, groups_;
  WholeCodes codes_, subs_;
  PlainSums plain_[kMostBlock / 16];
};

}  // namespace

void fit_affine_block(const BlockShape& shape, const float* x, const float* importance,
                      BlockIntegers& out) {
  out = {};
  const ScaledBlock block(x, importance, shape.elements);
  if (!block.finite) out.d = out.dmin = std::numeric_limits<float>::quiet_NaN();
  if (!block.finite || block.zero) return;
  AffineFit(shape, block).run(out);
}

}  // namespace bantam::blocks
