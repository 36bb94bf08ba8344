#include "infer/divergence.h"

#include <algorithm>
#include <cmath>

namespace bantam {

namespace {

// log of the sum of exponentials, in double: differences of 1e-7 nats are told apart.
double log_sum(std::span<const float> logits, double most) {
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - most);
  return most + std::log(sum);
}

}  // namespace

void TextDivergence::add(std::span<const float> reference, std::span<const float> other) {
  const auto top = std::ranges::max_element(reference), other_top = std::ranges::max_element(other);
  const double log_p = log_sum(reference, *top), log_q = log_sum(other, *other_top);
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double p = static_cast<double>(reference[i]) - log_p;
    // What weighs less than 1e-17 changes nothing, and minus infinity times it would be no number.
    if (p < -40) continue;
    sum += std::exp(p) * (p - (static_cast<double>(other[i]) - log_q));
  }
  each_.push_back(sum);
  same_ += top - reference.begin() == other_top - other.begin() ? 1 : 0;
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

}  // namespace bantam
