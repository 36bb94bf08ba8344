// From losses to a job: how often a task is answered right at a loss, fitted to the models of a ladder,
// and with the law of losses the smallest model that does the job (in two steps as Llama Team 2024,
// "The Llama 3 herd of models", sec. 3.2.1, go from compute over loss to accuracy).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "judge/scaling.h"

namespace bantam::judge {

// accuracy = guess + (1 - guess) / (1 + exp(slope * loss - offset)), slope not negative.
struct AccuracyLaw {
  double guess = 0, offset = 0, slope = 0;

  double accuracy(double loss) const;
  // The loss at which the accuracy is reached; nothing reaches it: nullopt.
  std::optional<double> loss_for(double accuracy) const;
};

// Runs of equal questions: the loss of each, and how many were right.
struct AccuracyPoint {
  double loss, right, asked;
};

// By greatest likelihood, a binomial for each run. Throws Error for fewer than three runs.
AccuracyLaw fit_accuracy(std::span<const AccuracyPoint> runs, double guess);

// A run of the ladder at the task: right or wrong, by question.
struct JobRun {
  double parameters, tokens, loss;
  std::vector<bool> right;

  double accuracy() const;
};

class JobFit {
 public:
  // `losses` outlives this; its bootstrap samples are used, each with runs and questions drawn anew
  // (seeded). `guess`: the accuracy of chance. Throws Error for runs with other numbers of questions.
  JobFit(const ScaleFit& losses, std::vector<JobRun> runs, double guess, std::uint64_t seed);

  const AccuracyLaw& law() const { return law_; }
  double accuracy(double parameters, double tokens) const;
  Interval interval(double parameters, double tokens) const;  // 95 %
  // The smallest size that answers so much right after so many tokens. nullopt: not reachable with
  // this data, whatever the size.
  std::optional<Needed> needed(double accuracy, double tokens) const;

 private:
  const ScaleFit& losses_;
  AccuracyLaw law_;
  std::vector<AccuracyLaw> others_;  // one for each sample of `losses`
};

// The lower end of Wilson's interval of a share, one-sided, 95 %: what can be said of a run itself.
double surely_right(double right, double asked);

}  // namespace bantam::judge
