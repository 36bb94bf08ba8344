#include "infer/log_probabilities.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "infer/sampler.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

// The `count` likeliest of the logits, likeliest first, of equal ones the lowest id.
std::vector<Candidate> likeliest(std::span<const float> logits, std::size_t count) {
  std::vector<Candidate> best;
  if (count == 0) return best;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float logit = logits[i];
    if (std::isnan(logit) || (best.size() == count && logit <= best.back().logit)) continue;
    if (best.size() == count) best.pop_back();
    const auto place =
        std::ranges::find_if(best, [&](const Candidate& c) { return c.logit < logit; });
    best.insert(place, {static_cast<std::int32_t>(i), logit});
  }
  return best;
}

TokenProbabilities of_infinite(std::span<const float> logits, std::int32_t id, std::size_t count) {
  Candidates candidates(logits);
  const double logarithm = -bantam_log(static_cast<double>(candidates.size()));
  TokenProbabilities out{{id, -std::numeric_limits<double>::infinity()}, {}};
  candidates.sort(count);
  for (const Candidate& c : candidates.all()) {
    if (c.id == id) out.chosen.log_probability = logarithm;
    if (out.top.size() < count) out.top.push_back({c.id, logarithm});
  }
  return out;
}

}  // namespace

TokenProbabilities log_probabilities(std::span<const float> logits, std::int32_t id,
                                     std::int64_t count) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  float largest = -kInfinity;
  for (const float logit : logits) largest = logit > largest ? logit : largest;  // NaN is not
  if (!std::isfinite(largest)) return of_infinite(logits, id, wanted);
  const auto most = static_cast<double>(largest);
  double total = 0;
  for (const float logit : logits)
    if (!std::isnan(logit)) total += bantam_exp(static_cast<double>(logit) - most);  // at least 1
  const double shift = most + bantam_log(total);
  const auto logarithm = [&](float logit) { return static_cast<double>(logit) - shift; };
  TokenProbabilities out{{id, -std::numeric_limits<double>::infinity()}, {}};
  const auto chosen = static_cast<std::size_t>(id);
  if (id >= 0 && chosen < logits.size() && !std::isnan(logits[chosen]))
    out.chosen.log_probability = logarithm(logits[chosen]);
  for (const Candidate& c : likeliest(logits, wanted))
    out.top.push_back({c.id, logarithm(c.logit)});
  return out;
}

}  // namespace bantam::infer
