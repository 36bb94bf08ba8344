// Top-p, the nucleus: the fewest likeliest tokens whose probabilities reach p together (Holtzman et
// al. 2020, eq. 2). Probabilities are those of the candidates that are left, before the
// temperature.
#include "infer/stages.h"

namespace bantam::infer {

namespace {

void apply_top_p(const SamplingOptions& options, const SamplerState&, Candidates& candidates) {
  if (options.top_p >= 1) return;
  candidates.sort(candidates.size());
  const std::vector<double> weights = candidates.weights();
  double total = 0;
  for (const double w : weights) total += w;
  double sum = 0;
  std::size_t count = 0;
  while (count < weights.size() && sum < options.top_p * total) sum += weights[count++];
  candidates.cut(count);
}

}  // namespace

const SamplerStage kTopP{"top-p", apply_top_p};

}  // namespace bantam::infer
