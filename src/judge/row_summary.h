// What a row of logits says: how likely each token is, and which is the likeliest.
#pragma once

#include <cstdint>
#include <span>

#include "base/rooms.h"

namespace bantam::judge {

struct RowSummary {
  double log_sum = 0;        // the logarithm of the sum of exponentials, in double
  std::int32_t largest = 0;  // the first of the largest logits
};

// Of a row of at least one logit. The same bits on every machine. Throws Error for what is not a
// number: such a model has no likelihoods.
RowSummary summarise(std::span<const float> logits);

}  // namespace bantam::judge
