// How far one model's opinion of every next token is from another's: what rounding costs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rooms.h"

namespace bantam::infer {

// log of the sum of exp of the logits, in double (differences of 1e-7 nats are told apart), and where
// the largest is.
struct LogSum {
  double value = 0;
  std::int32_t top = 0;
};
LogSum log_sum(std::span<const float> logits);

// Of one distribution over tokens from another, given their logits, none of which is a NaN.
struct Divergence {
  double kl = 0;  // sum of p (log p - log q), p the first's
  std::int32_t top_p = 0, top_q = 0;
  // -log p and -log q of `next`; 0 when it is negative.
  double loss_p = 0, loss_q = 0;
};
Divergence divergence(std::span<const float> p, std::span<const float> q, std::int32_t next = -1);

// Collects positions of a text. Kullback-Leibler divergences are in nats, of the reference's
// distribution from the other one: sum of p log(p / q).
class TextDivergence {
 public:
  // Logits [V] of one position under both. Neither holds what is no number.
  void add(std::span<const float> reference, std::span<const float> other);

  std::int64_t positions() const { return static_cast<std::int64_t>(each_.size()); }
  // Of no positions: 0.
  double mean() const;
  double percentile(double share) const;  // 0.99: all but a hundredth are not above it
  double most() const { return percentile(1); }
  // The fraction of positions where both find the same token the likeliest.
  double same_top() const;

 private:
  std::vector<double> each_;
  std::int64_t same_ = 0;
};

}  // namespace bantam::infer
