// Locally typical sampling: the tokens whose surprise is nearest to the expected one, until they
// reach the probability p together (Meister et al. 2023, arXiv:2202.00666, section 4).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_typical(const SamplingOptions& options, const SamplerState&, Candidates& candidates) {
  if (options.typical_p >= 1) return;
  const std::vector<double> weights = candidates.weights();
  double total = 0, entropy = 0;
  for (const double w : weights) total += w;
  std::vector<double> surprise;
  for (const double w : weights) {
    surprise.push_back(w > 0 ? -bantam_log(std::max(w / total, 1e-300)) : 1e300);
    if (w > 0) entropy += w / total * surprise.back();
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {},
                           [&](std::size_t i) { return std::abs(surprise[i] - entropy); });
  std::vector<bool> kept(weights.size());
  double sum = 0;
  for (const std::size_t i : order) {
    kept[i] = true;
    sum += weights[i];
    if (sum >= options.typical_p * total) break;
  }
  candidates.keep_marked(kept);
}

}  // namespace

const SamplerStage kTypical{"typical", apply_typical};

}  // namespace bantam::infer
