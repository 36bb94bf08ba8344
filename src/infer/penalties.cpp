// Penalties for what was said lately: the repetition penalty (Keskar et al. 2019, "CTRL",
// section 4.1, for negative logits as in huggingface/transformers,
// RepetitionPenaltyLogitsProcessor), and frequency and presence penalties (as in OpenAI's
// interface).
#include <algorithm>
#include <ranges>
#include <unordered_map>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_penalties(const SamplingOptions& options, const SamplerState& state,
                     Candidates& candidates) {
  if (options.repeat_penalty == 1 && options.frequency_penalty == 0 &&
      options.presence_penalty == 0)
    return;
  auto recent = state.history;
  if (options.penalty_last >= 0)
    recent = recent.last(std::min(recent.size(), static_cast<std::size_t>(options.penalty_last)));
  std::unordered_map<std::int32_t, int> times;
  for (const std::int32_t id : recent) ++times[id];
  candidates.change_some(std::views::keys(times), [&](std::int32_t id, double logit) {
    logit = logit > 0 ? logit / options.repeat_penalty : logit * options.repeat_penalty;
    return logit - times.at(id) * options.frequency_penalty - options.presence_penalty;
  });
}

}  // namespace

const SamplerStage kPenalties{"penalties", apply_penalties};

}  // namespace bantam::infer
