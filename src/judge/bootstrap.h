// Intervals of means that two models have over the same items, by drawing items anew (Efron 1979): both models
// get the same draw, so that what makes an item hard for both does not count as a difference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "judge/scaling.h"

namespace bantam::judge {

// An item: a score of either model, or a log-likelihood, and what it is divided by.
struct ScorePair {
  double a, b, weight;
  std::string doc;
};

// What the number is: the mean, or of mean log-likelihoods the perplexity or the bits.
enum class MeanForm : std::uint8_t { plain, perplexity, bits };

struct PairedMeans {
  double a = 0, b = 0;
  Interval a_interval{}, b_interval{};  // with 95 %
  Interval difference{};                // of b - a
};

// sum of scores / sum of weights of each. The same numbers for a seed.
PairedMeans paired_means(const std::vector<ScorePair>& pairs, MeanForm shape, std::uint64_t seed, std::int64_t samples);

}  // namespace bantam::judge
