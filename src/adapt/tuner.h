// Fine-tuning steps over labelled examples: any objective, any set of trained parameters.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/grpo.h"
#include "adapt/objective.h"
#include "adapt/reference.h"
#include "adapt/sequences.h"
#include "models/model.h"
#include "train/checkpoint.h"
#include "train/optimiser.h"
#include "train/parameters.h"

namespace bantam::adapt {

enum class RateCurve : std::uint8_t { constant, linear, cosine };
enum class ExampleOrder : std::uint8_t { shuffled, given };

struct TuneSettings {
  ObjectiveSettings objective;
  GroupSettings groups;  // of grpo
  OptimiserSettings optimiser;
  RateCurve curve = RateCurve::linear;
  double warmup = 0;               // share of the steps in which the rate rises
  std::int64_t steps = 0;
  std::int64_t batch = 8;          // examples a step; the last step of an epoch may have fewer
  std::int64_t micro_batch = 0;    // sequences at a time; 0: as many as fit below
  std::int64_t tokens_at_a_time = 512;  // neither changes a byte of the result
  ExampleOrder order = ExampleOrder::shuffled;
  std::uint64_t seed = 1;
  Arithmetic arithmetic = Arithmetic::f32;
  bool recompute = false;
  std::string learner;  // lines of text(): what is trained, of which model

  // The factor of the rate at a step, 0-based: falls to 0 just behind the last step.
  double rate_at(std::int64_t step) const;
  // All that enters the result, a line for each: compared when a run is resumed.
  std::string text() const;
};

// Which examples a step takes: epochs one after another, each in its own order.
class ExampleStream {
 public:
  ExampleStream(std::size_t examples, const TuneSettings& settings);
  std::vector<std::size_t> at(std::int64_t step) const;
  std::int64_t steps_per_epoch() const;

 private:
  std::vector<std::size_t> order_of(std::uint64_t epoch) const;
  std::size_t examples_;
  std::int64_t batch_;
  ExampleOrder order_;
  std::uint64_t seed_;
  mutable std::uint64_t cached_epoch_ = UINT64_MAX;
  mutable std::vector<std::size_t> cached_;
};

class Tuner {
 public:
  // `model` has its trained parameters on `tape`; all of these outlive the tuner. `data`: what the
  // run belongs to (a fingerprint).
  Tuner(Model& model, Tape& tape, std::vector<Parameter>& parameters,
        std::span<const LabelledExample> examples, TuneSettings settings, std::string data,
        ThreadPool& pool, const Kernels& kernels);
  ~Tuner();

  const TuneSettings& settings() const { return settings_; }
  const RunState& state() const { return state_; }
  RunState& state() { return state_; }
  bool done() const { return state_.step >= settings_.steps; }
  const ExampleStream& stream() const { return stream_; }

  // Called before each forward of a step that follows a change of the parameters (DoRA's norms).
  std::function<void()> before_step = [] {};
  // Of an objective that makes its own sequences: the loss of the step under way, its gradient added.
  std::function<double()> own_loss;

  // Most bytes that forward and backward take, counted by running the largest batch of the run with
  // empty kernels.
  std::int64_t plan_activations();
  // Seconds that all steps will take, about: a part of the first is run, forward and back, and forgotten.
  double plan_seconds();
  // How the model at this moment scores what objectives compare with: before the first step. Kept in a file every
  // `save_every` seconds, at the end, and where `go_on`, asked with the step that is next, says no; what the file
  // holds is not asked again. False: not all is known yet.
  bool remember_reference(const Path& kept, double save_every, const std::function<bool(std::int64_t step)>& go_on);
  bool compares() const { return rule_of(settings_.objective.objective).compares; }
  // One optimiser step; returns its loss, of before the update. Throws Error when the loss or the
  // gradient is not a number: before anything is applied.
  double step();
  // The loss of these examples, without learning: the mean over labels, or that of the objective.
  double evaluate(std::span<const LabelledExample> examples);
  // How likely the model as it is finds the answers that are to become likely (the chosen, the good ones):
  // for each example that has such a one.
  std::vector<SequenceScore> score_answers(std::span<const LabelledExample> examples);
  // How the model as it is foretells the answers of these sequences, and their prompts.
  std::vector<SequenceScore> score(std::span<const Sequence> sequences, bool prompts = true);
  // Adds the gradient of these sequences, whose tokens have weights of their own (Sequence::each).
  void learn(std::span<const Sequence> sequences);
  std::int64_t activation_peak() const { return static_cast<std::int64_t>(arena_.peak()); }
  Context& context() { return ctx_; }

  void save(const Path& path) const;
  void resume(const Path& path);

 private:
  struct Work;
  // `answer` keeps tokens that they show.
  std::vector<Sequence> largest(std::vector<std::int32_t>& answer) const;
  double loss_of_examples();
  double run(std::span<const Sequence> sequences, std::span<const SequenceWeight> weights,
             bool backward, std::vector<SequenceScore>* scores);
  std::vector<std::span<const Sequence>> pieces(std::span<const Sequence> sequences) const;
  std::vector<const LabelledExample*> examples_at(std::int64_t step) const;
  double loss_and_gradient(std::span<const Sequence> sequences,
                           std::span<const LabelledExample* const> examples,
                           std::span<const SequenceScore> reference);
  std::int64_t row_step() const { return settings_.arithmetic == Arithmetic::bf16 ? 32 : 1; }
  void clear_gradients();

  Model& model_;
  Tape& tape_;
  std::vector<Parameter>& parameters_;
  std::span<const LabelledExample> examples_;
  TuneSettings settings_;
  RunIdentity identity_;
  ExampleStream stream_;
  Arena arena_;
  Context ctx_;
  Optimiser optimiser_;
  RunState state_;
  bool labels_only_ = true;
  StepScores reference_;
};

}  // namespace bantam::adapt
