#include "adapt/objective.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "kernels/math.h"

namespace bantam::adapt {

namespace {

// Both without overflow, and the same bytes everywhere.
double sigmoid(double x) {
  const double e = bantam_exp(-std::fabs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
double log_sigmoid(double x) { return std::min(x, 0.0) - bantam_log(1 + bantam_exp(-std::fabs(x))); }

// The mean over all labels of the step: a sequence with more labels counts more.
double supervised(std::span<const SequenceScore> scores, std::span<const SequenceScore>,
                  std::span<const std::uint8_t>, double, std::span<SequenceWeight> weights) {
  std::int64_t labels = 0;
  double sum = 0;
  for (const SequenceScore& s : scores) {
    labels += s.answer_tokens;
    sum -= s.answer;
  }
  const double each = 1 / static_cast<double>(std::max<std::int64_t>(labels, 1));
  for (SequenceWeight& w : weights) w.answer = each;
  return sum * each;
}

// Rafailov et al. 2023, "Direct Preference Optimization", equation 7. Chosen, rejected, chosen, ...
double dpo(std::span<const SequenceScore> scores, std::span<const SequenceScore> reference,
           std::span<const std::uint8_t>, double beta, std::span<SequenceWeight> weights) {
  const std::size_t pairs = scores.size() / 2;
  double loss = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t c = 2 * i, r = c + 1;
    const double margin = beta * ((scores[c].answer - reference[c].answer) -
                                  (scores[r].answer - reference[r].answer));
    loss -= log_sigmoid(margin);
    const double pull = beta * sigmoid(-margin) / static_cast<double>(pairs);
    weights[c].answer = pull;
    weights[r].answer = -pull;
  }
  return loss / static_cast<double>(pairs);
}

double log_odds(double mean) { return mean - bantam_log(1 - bantam_exp(mean)); }

// Hong et al. 2024, "ORPO", equations 6 and 7; its likelihood counts the prompt too, as
// huggingface/trl does (trl/experimental/orpo/orpo_trainer.py).
double orpo(std::span<const SequenceScore> scores, std::span<const SequenceScore>,
            std::span<const std::uint8_t>, double beta, std::span<SequenceWeight> weights) {
  const std::size_t pairs = scores.size() / 2;
  std::int64_t tokens = 0;
  double sum = 0, odds = 0;
  for (std::size_t c = 0; c < scores.size(); c += 2) {
    tokens += scores[c].answer_tokens + scores[c].prompt_tokens;
    sum -= scores[c].answer + scores[c].prompt;
  }
  const double each = 1 / static_cast<double>(tokens);
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t c = 2 * i, r = c + 1;
    const auto chosen = static_cast<double>(scores[c].answer_tokens);
    const auto rejected = static_cast<double>(scores[r].answer_tokens);
    const double ac = scores[c].answer / chosen, ar = scores[r].answer / rejected;
    const double difference = log_odds(ac) - log_odds(ar);
    odds += log_sigmoid(difference);
    const double pull = beta * sigmoid(-difference) / static_cast<double>(pairs);
    weights[c] = {each + pull / ((1 - bantam_exp(ac)) * chosen), each};
    weights[r] = {-pull / ((1 - bantam_exp(ar)) * rejected), 0};
  }
  return sum * each - beta * odds / static_cast<double>(pairs);
}

// Ethayarajh et al. 2024, "KTO", equation 8, with the estimate of the divergence of section 4.2: the
// answer of another example behind each prompt. Answer, other answer, answer, ...
double kto(std::span<const SequenceScore> scores, std::span<const SequenceScore> reference,
           std::span<const std::uint8_t> labels, double beta, std::span<SequenceWeight> weights) {
  const std::size_t examples = scores.size() / 2;
  double divergence = 0;
  for (std::size_t k = 1; k < scores.size(); k += 2)
    divergence += scores[k].answer - reference[k].answer;
  divergence = std::max(0.0, divergence / static_cast<double>(examples));
  double loss = 0;
  for (std::size_t i = 0; i < examples; ++i) {
    const double ratio = scores[2 * i].answer - reference[2 * i].answer;
    const double sign = labels[i] ? 1 : -1;
    const double s = sigmoid(beta * sign * (ratio - divergence));
    loss += 1 - s;
    weights[2 * i].answer = sign * beta * s * (1 - s) / static_cast<double>(examples);
    weights[2 * i + 1] = {};
  }
  return loss / static_cast<double>(examples);
}

constexpr ObjectiveRule kRules[] = {
    {Objective::supervised, "sft", "the answers of the data are to become likely",
     ExampleKind::supervised, false, supervised},
    {Objective::dpo, "dpo", "a chosen answer before a rejected one, near the start model",
     ExampleKind::preference, true, dpo},
    {Objective::orpo, "orpo", "the same without a reference, while learning the chosen answers",
     ExampleKind::preference, false, orpo},
    {Objective::kto, "kto", "good answers and bad ones, not in pairs", ExampleKind::verdict, true,
     kto},
    {Objective::grpo, "grpo", "the model's own answers, those before others that --reward likes better",
     ExampleKind::supervised, false, nullptr}};

}  // namespace

std::span<const ObjectiveRule> objective_rules() { return kRules; }

const ObjectiveRule& rule_of(Objective objective) {
  return *std::ranges::find(kRules, objective, &ObjectiveRule::objective);
}

Objective objective_by_name(std::string_view name) {
  std::string known;
  for (const ObjectiveRule& rule : kRules) {
    if (rule.name == name) return rule.objective;
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  }
  throw Error("there is no objective \"" + printable(name) + "\"; these are: " + known,
              Error::Kind::usage);
}

}  // namespace bantam::adapt
