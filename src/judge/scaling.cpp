#include "judge/scaling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
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

// By how much residuals are too small, since so many unknowns were fitted to the points.
double spread_of(std::size_t points, std::size_t unknowns) {
  return std::sqrt(static_cast<double>(points) / static_cast<double>(points - std::min(unknowns, points - 1)));
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

  // Huber's estimate: least squares that are weighted anew a few times, so that a run which went wrong
  // pulls no harder than one that lies a bit off.
  ScaleLaw fit(const std::vector<double>& losses) const {
    constexpr int kTurns = 4, kCoarse = 5, kFine = 10;
    std::vector<double> weights(losses.size(), 1);
    Powers powers{0.3, 0.3};
    ScaleLaw law = search(losses, weights, powers, 0, kCoarse);
    for (int turn = 1; turn <= kTurns; ++turn) {
      weights = huber_weights(losses, law);
      law = search(losses, weights, powers, 1, turn == kTurns ? kFine : kCoarse);
    }
    return law;
  }

  std::size_t unknowns() const { return data_known_ ? 5 : 3; }

 private:
  struct Powers {
    double a, b;
  };

  // The powers by a grid that closes in, the rest by least squares at each. The first round looks at all
  // of them, later ones about the best so far.
  ScaleLaw search(const std::vector<double>& losses, const std::vector<double>& weights, Powers& best,
                  int first, int rounds) const {
    constexpr int kWideSteps = 12, kSteps = 6;
    constexpr double kLow = 0.02, kHigh = 2;
    double step_a = (kHigh - kLow) / kWideSteps, step_b = step_a;
    Linear least;
    for (int round = first; round < rounds; ++round) {
      const int steps = round == 0 ? kWideSteps : kSteps;
      const Powers from = round == 0 ? Powers{kLow, kLow}
                                     : Powers{std::max(0.005, best.a - step_a), std::max(0.005, best.b - step_b)};
      if (round > 0) {
        step_a = (best.a + step_a - from.a) / kSteps;
        step_b = (best.b + step_b - from.b) / kSteps;
      }
      const Columns sizes = columns(from.a, step_a, steps, &ScalePoint::parameters, size_scale_);
      const Columns data = columns(from.b, step_b, data_known_ ? steps : 0, &ScalePoint::tokens, data_scale_);
      for (std::size_t i = 0; i < sizes.size(); ++i)
        for (std::size_t j = 0; j < data.size(); ++j) {
          const Linear found = linear(sizes[i], data[j], losses, weights);
          if (found.error >= least.error) continue;
          least = found;
          best = {from.a + static_cast<double>(i) * step_a, from.b + static_cast<double>(j) * step_b};
        }
    }
    return {least.x[0], least.x[1] * std::pow(size_scale_, best.a),
            data_known_ ? least.x[2] * std::pow(data_scale_, best.b) : 0.0, best.a,
            data_known_ ? best.b : 0.0};
  }

  // Sizes or data of the points to the powers of a round, relative to the largest, so that the numbers of
  // all columns are of one kind.
  using Columns = std::vector<std::vector<double>>;
  Columns columns(double from, double step, int steps, double ScalePoint::* what, double scale) const {
    Columns out(static_cast<std::size_t>(steps) + 1);
    for (std::size_t i = 0; i < out.size(); ++i)
      for (const ScalePoint& p : points_)
        out[i].push_back(std::pow(p.*what / scale, -(from + static_cast<double>(i) * step)));
    return out;
  }

  // Huber 1964, k = 1.345 (95 % of the power of least squares where noise is normal), the deviation by
  // the median of what the points lie off.
  std::vector<double> huber_weights(const std::vector<double>& losses, const ScaleLaw& law) const {
    constexpr double kReach = 1.345, kNormal = 1.4826, kLeast = 1e-9;
    std::vector<double> off;
    for (std::size_t i = 0; i < losses.size(); ++i)
      off.push_back(std::abs(std::log(losses[i] / law.loss(points_[i].parameters, points_[i].tokens))));
    std::vector<double> sorted = off;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const double deviation = std::max(kNormal * *middle * spread_of(losses.size(), unknowns()), kLeast);
    for (double& r : off) r = r > kReach * deviation ? kReach * deviation / r : 1;
    return off;
  }

  Linear linear(const std::vector<double>& sizes, const std::vector<double>& data, const std::vector<double>& losses,
                const std::vector<double>& weights) const {
    std::array<std::array<double, 4>, 3> normal{};
    std::vector<std::array<double, 4>> rows;
    rows.reserve(points_.size());
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double root = std::sqrt(weights[i]), w = root / losses[i];
      rows.push_back({w, w * sizes[i], data_known_ ? w * data[i] : 0.0, root});
      for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 4; ++c) normal[r][c] += rows.back()[r] * rows.back()[c];
    }
    Linear best;
    const unsigned all = data_known_ ? 7 : 3;
    for (unsigned set = all; set > 0; --set) {
      const std::array<bool, 3> used{(set & 1) != 0, (set & 2) != 0, (set & 4) != 0};
      Linear one;
      if (!solve(normal, used, one.x)) continue;
      one.error = 0;
      for (const auto& row : rows) {
        const double r = row[3] - row[0] * one.x[0] - row[1] * one.x[1] - row[2] * one.x[2];
        one.error += r * r;
      }
      if (one.error < best.error) best = one;
      if (set == all) break;  // nothing had to be held at zero: no part of the columns does better
    }
    return best;
  }

  std::span<const ScalePoint> points_;
  bool data_known_;
  double size_scale_ = 0, data_scale_ = 0;
};

// The logarithms of the losses of runs of one size and amount.
using Groups = std::map<std::pair<double, double>, std::vector<double>>;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Groups groups_of(std::span<const ScalePoint> runs) {
  Groups out;
  for (const ScalePoint& p : runs) {
    if (!(p.parameters > 0) || !(p.tokens > 0) || !(p.loss > 0) || !std::isfinite(p.loss))
      throw Error("parameters, tokens and losses above 0 were expected");
    out[{p.parameters, p.tokens}].push_back(std::log(p.loss));
  }
  return out;
}

std::optional<double> noise_within(const Groups& groups) {
  double squares = 0;
  std::size_t freedom = 0;
  for (const auto& [unused, logs] : groups) {
    for (const double l : logs) squares += (l - mean(logs)) * (l - mean(logs));
    freedom += logs.size() - 1;
  }
  if (freedom == 0) return std::nullopt;
  return std::sqrt(squares / static_cast<double>(freedom));
}

// The 97.5 % point of Student's t.
double student(std::size_t freedom) {
  static constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  if (freedom < 1) return kTable[0];
  if (freedom <= std::size(kTable)) return kTable[freedom - 1];
  return 1.96 + 2.5 / static_cast<double>(freedom);
}

}  // namespace

ScaleFit::ScaleFit(std::vector<ScalePoint> runs, std::int64_t samples, std::uint64_t seed) {
  const Groups groups = groups_of(runs);
  std::set<double> sizes, amounts;
  for (const auto& [at, logs] : groups) {
    sizes.insert(at.first);
    amounts.insert(at.second);
    points_.push_back({at.first, at.second, std::exp(mean(logs))});
  }
  seed_noise_ = noise_within(groups);
  if (points_.size() < 6 || sizes.size() < 3)
    throw Error("at least six runs of at least three sizes were expected, not " +
                std::to_string(points_.size()) + " of " + std::to_string(sizes.size()));
  // Data that grow in step with size tell nothing of their own.
  data_known_ = amounts.size() >= 3 && points_.size() > sizes.size();
  std::vector<double> losses;
  for (const ScalePoint& p : points_) losses.push_back(p.loss);
  const Fitter fitter(points_, data_known_);
  law_ = fitter.fit(losses);
  const double spread = spread_of(points_.size(), fitter.unknowns());
  std::vector<double> shares;
  double squares = 0;
  for (const ScalePoint& p : points_) {
    const double share = spread * std::log(p.loss / law_.loss(p.parameters, p.tokens));
    shares.push_back(share);
    squares += share * share;
  }
  residual_ = std::sqrt(squares / static_cast<double>(points_.size()));
  if (!std::isfinite(residual_))
    throw Error("no law was found that comes near these losses: are they losses a token, in nats or bits?");
  const Random random(seed, 0x7363616c65);
  std::uint64_t index = 0;
  for (std::int64_t s = 0; s < samples; ++s) {
    for (std::size_t i = 0; i < points_.size(); ++i)
      losses[i] = law_.loss(points_[i].parameters, points_[i].tokens) *
                  std::exp(shares[random.below(index++, shares.size())]);
    others_.push_back(fitter.fit(losses));
  }
}

Interval ScaleFit::loss_interval(double parameters, double tokens) const { return interval(parameters, tokens, 0); }

Interval ScaleFit::run_interval(double parameters, double tokens) const {
  return interval(parameters, tokens, residual_);
}

Interval ScaleFit::interval(double parameters, double tokens, double noise) const {
  const double middle = std::log(law_.loss(parameters, tokens));
  double squares = 0;
  for (const ScaleLaw& other : others_) {
    const double off = std::log(other.loss(parameters, tokens)) - middle;
    squares += off * off;
  }
  const double of_law = squares / static_cast<double>(std::max<std::size_t>(others_.size(), 1));
  const double deviation = std::sqrt(of_law + noise * noise);
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
