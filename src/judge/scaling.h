// The law of losses: how a loss falls with the size of a model and with its data, fitted to a ladder
// of runs, with intervals (Hoffmann et al. 2022, "Training compute-optimal large language models",
// eq. 2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

struct ScalePoint {
  double parameters, tokens, loss;
};

// L(N, D) = E + A / N^a + B / D^b.
struct ScaleLaw {
  double floor = 0, size_factor = 0, data_factor = 0;  // E, A, B
  double size_power = 0, data_power = 0;               // a, b

  double loss(double parameters, double tokens) const;
  // The parameters at which the loss is reached with so many tokens; nothing reaches it: nullopt.
  std::optional<double> parameters_for(double loss, double tokens) const;
};

struct Interval {
  double low, high;
};

struct Needed {
  double likely;               // by the fit
  std::optional<double> sure;  // with 95 %; nullopt: not to be had with such confidence
};
// From the size by the fit (nullopt: none is enough) and those of its bootstrap samples (infinite where
// none is enough).
std::optional<Needed> needed_of(std::optional<double> likely, std::vector<double> sizes);

class ScaleFit {
 public:
  // Fits, and fits `samples` times more to losses with their residuals dealt anew (seeded). Runs of one
  // size and amount (they differ by their seed) are one point, the geometric mean of their losses: what
  // the law misses there is common to them, so that each of its own would make intervals too narrow.
  // Throws Error for fewer than six points, fewer than three sizes, or what is no positive number.
  ScaleFit(std::vector<ScalePoint> runs, std::int64_t samples, std::uint64_t seed);

  const ScaleLaw& law() const { return law_; }
  std::span<const ScaleLaw> others() const { return others_; }  // of the bootstrap samples
  // Whether the points tell of data apart from size: there are several amounts for a size.
  bool data_known() const { return data_known_; }
  double residual() const { return residual_; }  // deviation of the points, as a share of the loss
  // Deviation of runs that differ by their seed alone, as a share of the loss; nullopt: there are none.
  std::optional<double> seed_noise() const { return seed_noise_; }

  // Where the law lies with 95 %.
  Interval loss_interval(double parameters, double tokens) const;
  // Where a run (a point of the fit) would be measured with 95 %: runs lie about the law, too.
  Interval run_interval(double parameters, double tokens) const;
  // nullopt: not reachable with this data, whatever the size.
  std::optional<Needed> needed(double loss, double tokens) const;

 private:
  Interval interval(double parameters, double tokens, double noise) const;

  std::vector<ScalePoint> points_;
  ScaleLaw law_;
  std::vector<ScaleLaw> others_;
  bool data_known_ = true;
  double residual_ = 0;
  std::optional<double> seed_noise_;
};

}  // namespace bantam::judge
