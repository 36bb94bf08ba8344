// Divergence of one distribution over tokens from another, given their logits.
#pragma once

#include <cstdint>
#include <span>

namespace bantam {

struct Divergence {
  double kl = 0;  // sum of p (log p - log q), p the first's
  std::int32_t top_p = 0, top_q = 0;
  // -log p and -log q of `next`; 0 when it is negative.
  double loss_p = 0, loss_q = 0;
};
Divergence divergence(std::span<const float> p, std::span<const float> q, std::int32_t next);

// log of the sum of exp of the logits, and where the largest is.
struct LogSum {
  double value = 0;
  std::int32_t top = 0;
};
LogSum log_sum(std::span<const float> logits);

}  // namespace bantam
