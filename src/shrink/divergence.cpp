#include "shrink/divergence.h"

#include <algorithm>
#include <cmath>

namespace bantam {

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
    const double log_q = static_cast<double>(q[i]) - of_q.value;
    d.kl += std::exp(log_p) * (log_p - log_q);
  }
  d.kl = std::max(d.kl, 0.0);  // rounding may leave less than nothing where both are equal
  if (next >= 0) {
    d.loss_p = of_p.value - static_cast<double>(p[static_cast<std::size_t>(next)]);
    d.loss_q = of_q.value - static_cast<double>(q[static_cast<std::size_t>(next)]);
  }
  return d;
}

}  // namespace bantam
