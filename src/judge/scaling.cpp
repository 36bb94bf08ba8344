#include "judge/scaling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/random.h"

namespace bantam::judge {

double ScaleLaw::loss(double parameters, double tokens) const {
  return floor + size_factor * std::pow(parameters, -size_power) +
         (data_factor > 0 ? data_factor * std::pow(tokens, -data_power) : 0.0);
}

std::optional<double> ScaleLaw::parameters_for(double wanted, double tokens) const {
  const double rest =
      wanted - floor - (data_factor > 0 ? data_factor * std::pow(tokens, -data_power) : 0.0);
  if (rest <= 0 || size_factor <= 0 || size_power <= 0) return std::nullopt;
  return std::pow(size_factor / rest, 1 / size_power);
}

namespace {

// Least squares of up to three columns, each residual as a share of its loss; coefficients that would
// be negative are held at zero.
struct Linear {
  std::array<double, 3> x{};
  double error = std::numeric_limits<double>::infinity();
};

bool solve(std::array<std::array<double, 4>, 3> m, const std::array<bool, 3>& used,
           std::array<double, 3>& x) {
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < 3; ++i)
    if (used[i]) at.push_back(i);
  for (std::size_t c = 0; c < at.size(); ++c) {
    std::size_t best = c;
    for (std::size_t r = c; r < at.size(); ++r)
      if (std::abs(m[at[r]][at[c]]) > std::abs(m[at[best]][at[c]])) best = r;
    std::swap(m[at[c]], m[at[best]]);
    const double pivot = m[at[c]][at[c]];
    if (std::abs(pivot) < 1e-14) return false;
    for (std::size_t r = 0; r < at.size(); ++r) {
      if (r == c) continue;
      const double f = m[at[r]][at[c]] / pivot;
      for (std::size_t k = 0; k < 4; ++k) m[at[r]][k] -= f * m[at[c]][k];
    }
  }
  x = {};
  for (const std::size_t i : at) x[i] = m[i][3] / m[i][i];
  return std::all_of(x.begin(), x.end(), [](double v) { return v >= 0; });
}

class Fitter {
 public:
  Fitter(std::span<const ScalePoint> points, bool data_known)
      : points_(points), data_known_(data_known) {
    for (const ScalePoint& p : points) {
      size_scale_ = std::max(size_scale_, p.parameters);
      data_scale_ = std::max(data_scale_, p.tokens);
    }
  }

  // The powers by a grid that closes in, the rest by least squares at each.
  ScaleLaw fit(const std::vector<double>& losses) const {
    double low_a = 0.02, high_a = 2, low_b = 0.02, high_b = data_known_ ? 2 : 0.02;
    double best_a = 0.3, best_b = 0.3;
    Linear best;
    for (int round = 0; round < 10; ++round) {
      const int steps = round == 0 ? 12 : 6;
      const double step_a = (high_a - low_a) / steps, step_b = (high_b - low_b) / steps;
      for (int i = 0; i <= steps; ++i)
        for (int j = 0; j <= (data_known_ ? steps : 0); ++j) {
          const double a = low_a + i * step_a, b = low_b + j * step_b;
          const Linear found = linear(a, b, losses);
          if (found.error < best.error) {
            best = found;
            best_a = a;
            best_b = b;
          }
        }
      low_a = std::max(0.005, best_a - step_a);
      high_a = best_a + step_a;
      low_b = std::max(0.005, best_b - step_b);
      high_b = best_b + step_b;
    }
    return {best.x[0], best.x[1] * std::pow(size_scale_, best_a),
            data_known_ ? best.x[2] * std::pow(data_scale_, best_b) : 0.0, best_a,
            data_known_ ? best_b : 0.0};
  }

 private:
  Linear linear(double a, double b, const std::vector<double>& losses) const {
    // Columns relative to the largest size and data, so that the numbers are of one kind.
    std::array<std::array<double, 4>, 3> normal{};
    std::vector<std::array<double, 4>> rows;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double w = 1 / losses[i];
      rows.push_back({w, w * std::pow(points_[i].parameters / size_scale_, -a),
                      data_known_ ? w * std::pow(points_[i].tokens / data_scale_, -b) : 0.0, 1});
      for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 4; ++c) normal[r][c] += rows.back()[r] * rows.back()[c];
    }
    Linear best;
    for (unsigned set = 1; set < 8; ++set) {
      const std::array<bool, 3> used{(set & 1) != 0, (set & 2) != 0, (set & 4) != 0};
      if (used[2] && !data_known_) continue;
      Linear one;
      if (!solve(normal, used, one.x)) continue;
      one.error = 0;
      for (const auto& row : rows) {
        const double r = row[3] - row[0] * one.x[0] - row[1] * one.x[1] - row[2] * one.x[2];
        one.error += r * r;
      }
      if (one.error < best.error) best = one;
    }
    return best;
  }

  std::span<const ScalePoint> points_;
  bool data_known_;
  double size_scale_ = 0, data_scale_ = 0;
};

// The 97.5 % point of Student's t.
double student(std::size_t freedom) {
  static constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  if (freedom < 1) return kTable[0];
  if (freedom <= std::size(kTable)) return kTable[freedom - 1];
  return 1.96 + 2.5 / static_cast<double>(freedom);
}

}  // namespace

ScaleFit::ScaleFit(std::vector<ScalePoint> points, std::int64_t samples, std::uint64_t seed)
    : points_(std::move(points)) {
  std::set<double> sizes, amounts;
  std::set<std::pair<double, double>> both;
  for (const ScalePoint& p : points_) {
    if (!(p.parameters > 0) || !(p.tokens > 0) || !(p.loss > 0) || !std::isfinite(p.loss))
      throw Error("parameters, tokens and losses above 0 were expected");
    sizes.insert(p.parameters);
    amounts.insert(p.tokens);
    both.insert({p.parameters, p.tokens});
  }
  if (points_.size() < 6 || sizes.size() < 3)
    throw Error("at least six runs of at least three sizes were expected, not " +
                std::to_string(points_.size()) + " of " + std::to_string(sizes.size()));
  // Data that grow in step with size tell nothing of their own.
  data_known_ = amounts.size() >= 3 && both.size() > sizes.size();
  std::vector<double> losses;
  for (const ScalePoint& p : points_) losses.push_back(p.loss);
  const Fitter fitter(points_, data_known_);
  law_ = fitter.fit(losses);
  const std::size_t unknowns = data_known_ ? 5 : 3;
  const double spread = std::sqrt(static_cast<double>(points_.size()) /
                                  static_cast<double>(points_.size() - std::min(unknowns, points_.size() - 1)));
  std::vector<double> shares;
  double squares = 0;
  for (const ScalePoint& p : points_) {
    const double share = spread * std::log(p.loss / law_.loss(p.parameters, p.tokens));
    shares.push_back(share);
    squares += share * share;
  }
  residual_ = std::sqrt(squares / static_cast<double>(points_.size()));
  const Random random(seed, 0x7363616c65);
  std::uint64_t index = 0;
  for (std::int64_t s = 0; s < samples; ++s) {
    for (std::size_t i = 0; i < points_.size(); ++i)
      losses[i] = law_.loss(points_[i].parameters, points_[i].tokens) *
                  std::exp(shares[random.below(index++, shares.size())]);
    others_.push_back(fitter.fit(losses));
  }
}

Interval ScaleFit::loss_interval(double parameters, double tokens) const {
  const double middle = std::log(law_.loss(parameters, tokens));
  double squares = 0;
  for (const ScaleLaw& other : others_) {
    const double off = std::log(other.loss(parameters, tokens)) - middle;
    squares += off * off;
  }
  const double deviation = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(others_.size(), 1)));
  const std::size_t unknowns = data_known_ ? 5 : 3;
  const double reach = deviation * student(points_.size() > unknowns ? points_.size() - unknowns : 1);
  return {std::exp(middle - reach), std::exp(middle + reach)};
}

std::optional<Needed> needed_of(std::optional<double> likely, std::vector<double> sizes) {
  if (!likely) return std::nullopt;
  std::sort(sizes.begin(), sizes.end());
  Needed out{*likely, std::nullopt};
  if (!sizes.empty()) {
    const double sure = sizes[static_cast<std::size_t>(std::ceil(0.95 * static_cast<double>(sizes.size() - 1)))];
    if (std::isfinite(sure)) out.sure = std::max(sure, *likely);
  }
  return out;
}

std::optional<Needed> ScaleFit::needed(double loss, double tokens) const {
  std::vector<double> sizes;
  for (const ScaleLaw& other : others_)
    sizes.push_back(other.parameters_for(loss, tokens).value_or(std::numeric_limits<double>::infinity()));
  return needed_of(law_.parameters_for(loss, tokens), std::move(sizes));
}

}  // namespace bantam::judge
