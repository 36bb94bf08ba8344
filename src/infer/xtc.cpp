// XTC, "exclude top choices": now and then all tokens of at least this probability but the least
// likely of them are left out (p-e-w, text-generation-webui pull request 6335).
#include <vector>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_xtc(const SamplingOptions& options, const SamplerState& state, Candidates& candidates) {
  if (state.draw >= options.xtc_probability) return;
  candidates.sort(candidates.size());
  const std::vector<double> weights = candidates.weights();
  double total = 0;
  for (const double w : weights) total += w;
  std::size_t likely = 0;
  while (likely < weights.size() && weights[likely] >= options.xtc_threshold * total) ++likely;
  if (likely >= 2) candidates.drop_front(likely - 1);
}

}  // namespace

const SamplerStage kXtc{"xtc", apply_xtc};

}  // namespace bantam::infer
