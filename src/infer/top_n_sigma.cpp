// Top-n-sigma: tokens whose logit is at most n standard deviations of all logits under the largest
// (Tang et al. 2024, arXiv:2411.07641, section 3).
#include <cmath>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_top_n_sigma(const SamplingOptions& options, const SamplerState&,
                       Candidates& candidates) {
  if (options.top_n_sigma <= 0) return;
  double sum = 0, count = 0, squares = 0;
  for (const Candidate& c : candidates.all())
    if (std::isfinite(c.logit)) sum += static_cast<double>(c.logit), ++count;
  const double mean = sum / count;
  for (const Candidate& c : candidates.all())
    if (std::isfinite(c.logit)) {
      const double d = static_cast<double>(c.logit) - mean;
      squares += d * d;
    }
  const double least =
      static_cast<double>(candidates.largest()) - options.top_n_sigma * std::sqrt(squares / count);
  candidates.keep([&](const Candidate& c) { return static_cast<double>(c.logit) >= least; });
}

}  // namespace

const SamplerStage kTopNSigma{"top-n-sigma", apply_top_n_sigma};

}  // namespace bantam::infer
