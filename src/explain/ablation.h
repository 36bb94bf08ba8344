// Which layers and heads moved the answer: each is taken away by itself.
#pragma once

#include <vector>

#include "base/rooms.h"
#include "explain/probe.h"

namespace bantam::explain {

// How much ln p(answer) changes without a part; by layer.
struct Ablation {
  std::vector<double> layers;  // attention and feed-forward block together
  std::vector<double> attention, feed_forward;
  std::vector<std::vector<double>> heads;  // what a head gives to the output projection
};
Ablation ablate(Probe& probe, const Question& question, Fill fill);

}  // namespace bantam::explain
