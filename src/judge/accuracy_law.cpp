#include "judge/accuracy_law.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace bantam::judge {

double AccuracyLaw::accuracy(double loss) const {
  return guess + (1 - guess) / (1 + std::exp(slope * loss - offset));
}

std::optional<double> AccuracyLaw::loss_for(double wanted) const {
  const double share = (wanted - guess) / (1 - guess);
  if (share <= 0) return std::numeric_limits<double>::infinity();
  if (share >= 1 || slope <= 0) return std::nullopt;
  return (offset - std::log(share / (1 - share))) / slope;
}

double JobRun::accuracy() const {
  return right.empty() ? 0
                       : static_cast<double>(std::count(right.begin(), right.end(), true)) /
                             static_cast<double>(right.size());
}

namespace {

// Two unknowns of z = u + v x, x the loss about its mean in units of its spread: so that both are of
// one kind. A faint pull to zero keeps them finite where a step from all wrong to all right is seen.
constexpr double kPull = 1e-3;

struct Logistic {
  double u = 0, v = 0;
};

double log_likelihood(std::span<const AccuracyPoint> runs, const std::vector<double>& x, double guess, Logistic at) {
  double sum = -kPull * (at.u * at.u + at.v * at.v) / 2;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const double p = std::clamp(guess + (1 - guess) / (1 + std::exp(-at.u - at.v * x[i])), 1e-12, 1 - 1e-12);
    sum += runs[i].right * std::log(p) + (runs[i].asked - runs[i].right) * std::log(1 - p);
  }
  return sum;
}

// Fisher's scoring with halved steps; v is held at zero where a smaller loss would answer worse.
Logistic climb(std::span<const AccuracyPoint> runs, const std::vector<double>& x, double guess) {
  Logistic at;
  double best = log_likelihood(runs, x, guess, at);
  for (int round = 0; round < 60; ++round) {
    double gu = -kPull * at.u, gv = -kPull * at.v, huu = kPull, huv = 0, hvv = kPull;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const double s = 1 / (1 + std::exp(-at.u - at.v * x[i]));
      const double p = std::clamp(guess + (1 - guess) * s, 1e-12, 1 - 1e-12);
      const double slope = (1 - guess) * s * (1 - s);
      const double pull = (runs[i].right - runs[i].asked * p) / (p * (1 - p)) * slope;
      const double weight = runs[i].asked * slope * slope / (p * (1 - p));
      gu += pull;
      gv += pull * x[i];
      huu += weight;
      huv += weight * x[i];
      hvv += weight * x[i] * x[i];
    }
    const double determinant = huu * hvv - huv * huv;
    if (!(determinant > 0)) break;
    const double du = (gu * hvv - gv * huv) / determinant, dv = (gv * huu - gu * huv) / determinant;
    bool moved = false;
    for (double step = 1; step > 1e-6; step /= 2) {
      const Logistic next{at.u + step * du, std::min(at.v + step * dv, 0.0)};
      const double value = log_likelihood(runs, x, guess, next);
      if (value <= best) continue;
      moved = value - best > 1e-10;
      best = value;
      at = next;
      break;
    }
    if (!moved) break;
  }
  return at;
}

}  // namespace

AccuracyLaw fit_accuracy(std::span<const AccuracyPoint> runs, double guess) {
  if (runs.size() < 3) throw Error("at least three runs were expected, not " + std::to_string(runs.size()));
  double mean = 0, squares = 0;
  for (const AccuracyPoint& r : runs) mean += r.loss / static_cast<double>(runs.size());
  for (const AccuracyPoint& r : runs) squares += (r.loss - mean) * (r.loss - mean);
  const double spread = std::max(std::sqrt(squares / static_cast<double>(runs.size())), 1e-9 * std::abs(mean) + 1e-300);
  std::vector<double> x;
  for (const AccuracyPoint& r : runs) x.push_back((r.loss - mean) / spread);
  const Logistic found = climb(runs, x, guess);
  // z = u + v (loss - mean) / spread = offset - slope loss.
  return {guess, found.u - found.v * mean / spread, -found.v / spread};
}

JobFit::JobFit(const ScaleFit& losses, std::vector<JobRun> runs, double guess, std::uint64_t seed) : losses_(losses) {
  const std::size_t asked = runs.empty() ? 0 : runs.front().right.size();
  std::vector<AccuracyPoint> points;
  for (const JobRun& r : runs) {
    if (r.right.size() != asked || asked == 0) throw Error("every run was to be asked the same questions");
    points.push_back({r.loss, r.accuracy() * static_cast<double>(asked), static_cast<double>(asked)});
  }
  law_ = fit_accuracy(points, guess);
  const Random random(seed, 0x6a6f62);
  std::uint64_t index = 0;
  for (std::size_t sample = 0; sample < losses.others().size(); ++sample) {
    std::vector<std::size_t> times(asked);
    for (std::size_t i = 0; i < asked; ++i) ++times[random.below(index++, asked)];
    std::vector<AccuracyPoint> drawn;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const JobRun& r = runs[random.below(index++, runs.size())];
      double right = 0;
      for (std::size_t q = 0; q < asked; ++q) right += r.right[q] ? static_cast<double>(times[q]) : 0.0;
      drawn.push_back({r.loss, right, static_cast<double>(asked)});
    }
    others_.push_back(fit_accuracy(drawn, guess));
  }
}

double JobFit::accuracy(double parameters, double tokens) const {
  return law_.accuracy(losses_.law().loss(parameters, tokens));
}

Interval JobFit::interval(double parameters, double tokens) const {
  std::vector<double> all;
  for (std::size_t i = 0; i < others_.size(); ++i)
    all.push_back(others_[i].accuracy(losses_.others()[i].loss(parameters, tokens)));
  if (all.empty()) return {0, 1};
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) { return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1) + 0.5)]; };
  return {at(0.025), at(0.975)};
}

std::optional<Needed> JobFit::needed(double accuracy, double tokens) const {
  const auto size = [&](const AccuracyLaw& law, const ScaleLaw& scale) -> std::optional<double> {
    const std::optional<double> loss = law.loss_for(accuracy);
    if (!loss) return std::nullopt;
    if (std::isinf(*loss)) return 1.0;  // chance does it
    return scale.parameters_for(*loss, tokens);
  };
  std::vector<double> sizes;
  for (std::size_t i = 0; i < others_.size(); ++i)
    sizes.push_back(size(others_[i], losses_.others()[i]).value_or(std::numeric_limits<double>::infinity()));
  return needed_of(size(law_, losses_.law()), std::move(sizes));
}

double surely_right(double right, double asked) {
  if (asked <= 0) return 0;
  constexpr double kZ = 1.6448536269514722;
  const double p = right / asked, z = kZ * kZ / asked;
  return std::max(0.0, (p + z / 2 - std::sqrt(z * (p * (1 - p) + z / 4))) / (1 + z));
}

}  // namespace bantam::judge
