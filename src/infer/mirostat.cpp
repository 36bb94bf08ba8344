// Mirostat 2: leaves out tokens that would surprise by more than mu bits (Basu et al. 2021,
// arXiv:2007.14966, algorithm 2); the sampler moves mu by what was drawn.
#include <vector>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_mirostat(const SamplingOptions& options, const SamplerState& state,
                    Candidates& candidates) {
  if (!options.mirostat) return;
  candidates.sort(candidates.size());
  const std::vector<double> weights = candidates.weights();
  double total = 0;
  for (const double w : weights) total += w;
  const double least = bantam_exp(-state.mirostat_mu * kLn2) * total;
  std::size_t count = 1;  // the likeliest always
  while (count < weights.size() && weights[count] >= least) ++count;
  candidates.cut(count);
}

}  // namespace

const SamplerStage kMirostat{"mirostat", apply_mirostat};

}  // namespace bantam::infer
