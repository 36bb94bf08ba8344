// How far one model's opinion of every next token is from another's: what rounding costs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bantam {

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

}  // namespace bantam
