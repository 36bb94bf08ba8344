#include "infer/log_probabilities.h"

#include <algorithm>
#include <limits>

#include "infer/sampler.h"
#include "kernels/math.h"

namespace bantam {

TokenProbabilities log_probabilities(std::span<const float> logits, std::int32_t id,
                                     std::int64_t count) {
  Candidates candidates(logits);
  const auto most = static_cast<double>(candidates.largest());
  double total = 0;
  for (const double w : candidates.weights()) total += w;  // at least 1
  const double shift = most + bantam_log(total);
  TokenProbabilities out{{id, -std::numeric_limits<double>::infinity()}, {}};
  candidates.sort(static_cast<std::size_t>(count));
  for (const Candidate& c : candidates.all()) {
    const double logarithm = static_cast<double>(c.logit) - shift;
    if (c.id == id) out.chosen.log_probability = logarithm;
    if (static_cast<std::int64_t>(out.top.size()) < count) out.top.push_back({c.id, logarithm});
  }
  return out;
}

}  // namespace bantam
