// Min-p: tokens with at least this share of the likeliest one's probability (Nguyen et al. 2024,
// arXiv:2407.01082, section 3).
#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_min_p(const SamplingOptions& options, const SamplerState&, Candidates& candidates) {
  if (options.min_p <= 0) return;
  const double most = static_cast<double>(candidates.largest());
  candidates.keep([&](const Candidate& c) {
    return bantam_exp(static_cast<double>(c.logit) - most) >= options.min_p;
  });
}

}  // namespace

const SamplerStage kMinP{"min-p", apply_min_p};

}  // namespace bantam::infer
