// The steps of group-relative policy optimisation: sample answers, ask what they earn, learn from them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/grpo.h"
#include "adapt/rollouts.h"
#include "adapt/tuner.h"

namespace bantam::adapt {

class GroupSteps {
 public:
  // Gives the tuner its loss. The parameters as they are now, before a step or a checkpoint, are the
  // start model that answers are held near to. `examples`: prompts, the tuner's own; `records`: one for
  // each. All of these outlive this. Throws Error when a prompt with its answer has no room in the
  // model's context.
  GroupSteps(Tuner& tuner, const Model& model, const std::vector<Parameter>& parameters,
             std::span<const LabelledExample> examples, std::span<const Json> records,
             const Reward& reward, std::shared_ptr<const Tokenizer> tokenizer, Runtime runtime);
  GroupSteps(const GroupSteps&) = delete;
  GroupSteps& operator=(const GroupSteps&) = delete;

  // Samples and rewards the answers that the next step learns from, where it wants new ones. False:
  // `go_on` said no, and nothing has happened.
  bool ready(const std::function<bool()>& go_on);
  // "reward 0.25, 3 of 8 groups told nothing": of the last step.
  std::string note() const;
  // What will be done, before the first step; and the memory it takes beside the model's.
  std::string plan() const;
  std::int64_t bytes() const;

 private:
  double loss();
  std::vector<SequenceScore> start_scores();
  void exchange_with_start();

  Tuner& tuner_;
  const std::vector<Parameter>& parameters_;
  std::span<const LabelledExample> examples_;
  std::span<const Json> records_;
  const Reward& reward_;
  Runtime runtime_;
  RollOuts roll_outs_;
  std::vector<std::vector<float>> start_;  // of each parameter; empty: beta is 0
  // Of the answers that are learnt from now.
  std::int64_t made_ = -1;  // the step they were sampled for
  std::vector<RollOut> answers_;
  std::vector<Sequence> sequences_;
  std::vector<double> advantages_;
  std::vector<SequenceScore> sampled_, by_start_;
  double reward_mean_ = 0;
  // silent: all answers of the group earn the same; cut: answers that did not end
  std::int64_t groups_ = 0, silent_ = 0, cut_ = 0;
};

}  // namespace bantam::adapt
