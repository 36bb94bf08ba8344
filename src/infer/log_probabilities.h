// How likely a token was, and what else could have come.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rooms.h"

namespace bantam::infer {

struct TokenProbability {
  std::int32_t id;
  double log_probability;  // natural logarithm, of the model's own distribution: before the sampler
};
struct TokenProbabilities {
  TokenProbability chosen;
  std::vector<TokenProbability> top;  // the likeliest first, of equal ones the lowest id
};

// Of logits [V], for token `id` and the `count` likeliest. The same bits on every machine. What is
// not a number has no share: minus infinity.
TokenProbabilities log_probabilities(std::span<const float> logits, std::int32_t id,
                                     std::int64_t count);

}  // namespace bantam::infer
