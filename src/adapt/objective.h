// What fine-tuning minimises, as a function of the log-probabilities of whole answers: so that every
// objective runs over the one forward pass, and its gradient is a weight for each token's loss.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "data/labelled.h"

namespace bantam::adapt {

enum class Objective : std::uint8_t { supervised, dpo, orpo, kto, grpo };

struct ObjectiveSettings {
  Objective objective = Objective::supervised;
  double beta = 0.1;  // of dpo, orpo (its weight of the odds), kto and grpo
};

// How the answer of a sequence and the prompt before it were foretold: sums of log-probabilities.
struct SequenceScore {
  double answer = 0, prompt = 0;
  std::int64_t answer_tokens = 0, prompt_tokens = 0;  // the first token of all is never foretold
  std::vector<double> each = {};  // log-probabilities of the answer's tokens, in order
};

// d loss / d(-log p) of each token of the answer, and of the prompt.
struct SequenceWeight {
  double answer = 0, prompt = 0;
};

// What an objective makes of the examples of a step, two sequences for each but for supervised.
struct ObjectiveRule {
  Objective objective;
  std::string_view name, help;
  ExampleKind examples;
  bool compares;  // with how the start model scores the same sequences
  // The loss; `reference` is empty or a score for each sequence. Null: the objective makes its own
  // sequences (Tuner::own_loss).
  double (*loss)(std::span<const SequenceScore> scores, std::span<const SequenceScore> reference,
                 std::span<const std::uint8_t> labels, double beta, std::span<SequenceWeight> weights);
};
std::span<const ObjectiveRule> objective_rules();
const ObjectiveRule& rule_of(Objective objective);
// Throws Error (usage) that lists the names.
Objective objective_by_name(std::string_view name);

}  // namespace bantam::adapt
