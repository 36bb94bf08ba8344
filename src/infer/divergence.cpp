#include "infer/divergence.h"

#include <algorithm>
#include <cmath>

namespace bantam::infer {

LogSum log_sum(std::span<const float> logits) {
  const auto top = std::ranges::max_element(logits);
  const auto most = static_cast<double>(*top);
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - most);
  return {most + std::log(sum), static_cast<std::int32_t>(top - logits.begin())};
}

Divergence divergence(std::span<const float> p, std::span<const float> q, std::int32_t next) {
  const LogSum of_p = log_sum(p), of_q = log_sum(q);
  Divergence d{0, of_p.top, of_q.top, 0, 0};
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double log_p = static_cast<double>(p[i]) - of_p.value;
    // What weighs less than 1e-17 changes nothing, and minus infinity times it would be no number.
    if (log_p < -40) continue;
    d.kl += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - of_q.value));
  }
  d.kl = std::max(d.kl, 0.0);  // rounding may leave less than nothing where both are equal
  if (next >= 0) {
    d.loss_p = of_p.value - static_cast<double>(p[static_cast<std::size_t>(next)]);
    d.loss_q = of_q.value - static_cast<double>(q[static_cast<std::size_t>(next)]);
  }
  return d;
}

void TextDivergence::add(std::span<const float> reference, std::span<const float> other) {
  const Divergence d = divergence(reference, other);
  each_.push_back(d.kl);
  same_ += d.top_p == d.top_q ? 1 : 0;
}

double TextDivergence::mean() const {
  double sum = 0;
  for (const double d : each_) sum += d;
  return each_.empty() ? 0 : sum / static_cast<double>(each_.size());
}

double TextDivergence::percentile(double share) const {
  if (each_.empty()) return 0;
  std::vector<double> rising = each_;
  std::ranges::sort(rising);
  const double place = std::ceil(share * static_cast<double>(rising.size())) - 1;
  return rising[static_cast<std::size_t>(std::max(place, 0.0))];
}

double TextDivergence::same_top() const {
  return each_.empty() ? 0 : static_cast<double>(same_) / static_cast<double>(each_.size());
}

}  // namespace bantam::infer
