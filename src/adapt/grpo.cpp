#include "adapt/grpo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/math.h"

namespace bantam::adapt {

std::string GroupSettings::text() const {
  return fmt::format(
      "group = {}\nanswer_tokens = {}\ntemperature = {}\nepsilon = {}\niterations = {}\nreward = {}\n",
      group, answer_tokens, temperature, epsilon, iterations, reward);
}

std::vector<double> advantages(std::span<const double> rewards, std::int64_t group) {
  const auto size = static_cast<std::size_t>(group);
  std::vector<double> out;
  for (std::size_t first = 0; first + size <= rewards.size(); first += size) {
    const auto of_group = rewards.subspan(first, size);
    double sum = 0, squares = 0;
    for (const double r : of_group) sum += r;
    const double mean = sum / static_cast<double>(size);
    for (const double r : of_group) squares += (r - mean) * (r - mean);
    const double deviation = size > 1 ? std::sqrt(squares / static_cast<double>(size - 1)) : 0;
    // Equal rewards whose mean is rounded would tell something that is not there.
    const bool equal = std::ranges::count(of_group, of_group.front()) == group;
    for (const double r : of_group) out.push_back(equal ? 0 : (r - mean) / (deviation + 1e-4));
  }
  return out;
}

double group_loss(std::span<const AnswerOdds> answers, std::span<const double> advantages,
                  double beta, double epsilon, std::vector<std::vector<float>>& weights) {
  std::size_t tokens = 0;
  for (const AnswerOdds& a : answers) tokens += a.now.size();
  const double each = 1 / static_cast<double>(std::max<std::size_t>(tokens, 1));
  weights.assign(answers.size(), {});
  double loss = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const AnswerOdds& a = answers[i];
    for (std::size_t t = 0; t < a.now.size(); ++t) {
      const double ratio = bantam_exp(a.now[t] - a.sampled[t]);
      const double free = ratio * advantages[i];
      const double bound = std::clamp(ratio, 1 - epsilon, 1 + epsilon) * advantages[i];
      loss -= std::min(free, bound);
      // Where the bound is the smaller it does not move with the ratio.
      double weight = free <= bound ? free : 0;
      if (!a.start.empty()) {
        const double apart = a.start[t] - a.now[t], other = bantam_exp(apart);
        loss += beta * (other - apart - 1);
        weight -= beta * (1 - other);
      }
      weights[i].push_back(static_cast<float>(weight * each));
    }
  }
  return loss * each;
}

}  // namespace bantam::adapt
