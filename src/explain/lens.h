// The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"): what the model would
// answer if it stopped after a layer, read by its final norm and head.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rooms.h"
#include "explain/probe.h"
#include "infer/log_probabilities.h"

namespace bantam::explain {

struct LensRow {
  int layers = 0;                     // that were gone through: 0 is the embedding
  std::vector<TokenProbability> top;  // the likeliest next tokens
  double answer = 0;                  // ln p of the answer's first token
  std::int64_t rank = 0;              // of that token, from 1
};

// One row for the embedding and one after each layer; the last is what the model answers. `top`:
// how many tokens of each.
std::vector<LensRow> logit_lens(Probe& probe, const Question& question, std::int64_t top);

}  // namespace bantam::explain
