// Group-relative policy optimisation: of several answers to one prompt those that earn more than their
// group become likelier, those that earn less become less likely (Shao et al. 2024, "DeepSeekMath",
// equation 3). The arithmetic is that of huggingface/trl (trl/trainer/grpo_trainer.py and
// grpo_config.py) with its defaults: rewards scaled by their group, ratios by token, and the mean over
// all answers' tokens of a step ("dapo", Yu et al. 2025).
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/rooms.h"

namespace bantam::adapt {

struct GroupSettings {
  std::int64_t group = 8;            // answers to a prompt (TRL: num_generations)
  std::int64_t answer_tokens = 256;  // most of an answer (max_completion_length)
  double temperature = 1;            // of the sampling; what is learnt counts probabilities at 1
  double epsilon = 0.2;              // a ratio outside 1 -+ epsilon earns no more
  std::int64_t iterations = 1;       // steps that learn from the same answers (num_iterations)
  std::string reward;                // its name
  // All that enters the result, a line for each.
  std::string text() const;
};

// What an answer earns. Both are called from several threads at once.
struct Reward {
  std::string name;
  // Throws Error naming the field, when the record lacks what the reward needs.
  std::function<void(const Json& record)> check;
  std::function<double(const Json& record, const std::string& answer)> of;
};

// (r - mean) / (deviation + 1e-4) within each group of `group` rewards; the deviation divides by one
// less than there are. A group of equal rewards has zeros.
std::vector<double> advantages(std::span<const double> rewards, std::int64_t group);

// Log-probabilities of an answer's tokens: now, when it was sampled, and by the start model (empty:
// the divergence does not count).
struct AnswerOdds {
  std::span<const double> now, sampled, start;
};

// The loss of a step's answers, with an advantage each: the mean over tokens of
//   -min(ratio A, clip(ratio, 1 - epsilon, 1 + epsilon) A) + beta (exp(start - now) - (start - now) - 1).
// `weights` becomes d loss / d(-log p) of each token.
double group_loss(std::span<const AnswerOdds> answers, std::span<const double> advantages,
                  double beta, double epsilon, std::vector<std::vector<float>>& weights);

}  // namespace bantam::adapt
