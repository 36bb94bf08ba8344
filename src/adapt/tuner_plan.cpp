// What a run of fine-tuning will take, before it is begun.
#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>

#include "adapt/tuner.h"

namespace bantam::adapt {

// The sequences with the most rows, as many as a step takes.
std::vector<Sequence> Tuner::largest(std::vector<std::int32_t>& answer) const {
  std::vector<const LabelledExample*> all;
  for (const LabelledExample& e : examples_) all.push_back(&e);
  const Objective o = settings_.objective.objective;
  std::vector<Sequence> sequences = sequences_of(all, o);
  if (o == Objective::grpo) {  // answers that are not there yet, as long as they may become
    answer.assign(static_cast<std::size_t>(settings_.groups.answer_tokens), 0);
    for (Sequence& s : sequences) s.tail = answer;
  }
  std::ranges::sort(sequences, std::greater<>(), [&](const Sequence& s) { return rows_of(s, row_step()); });
  const auto most = static_cast<std::size_t>(settings_.batch) * (o == Objective::supervised ? 1 : 2);
  sequences.resize(std::min(sequences.size(), most));
  if (o != Objective::grpo) return sequences;
  return std::vector<Sequence>(static_cast<std::size_t>(settings_.batch * settings_.groups.group), sequences.front());
}

std::int64_t Tuner::plan_activations() {
  std::vector<std::int32_t> answer;
  const std::vector<Sequence> sequences = largest(answer);
  const auto parts = pieces(sequences);
  const Kernels nothing = empty_kernels();
  ThreadPool alone(1);
  std::int64_t peak = 0;
  for (const std::span<const Sequence> piece : {parts.front()}) {
    Arena counting(0, true);
    Context ctx(alone, nothing, counting);
    ctx.arithmetic = ctx_.arithmetic;
    ctx.activation = ctx_.activation;
    ctx.recompute = ctx_.recompute;
    ctx.tape = &tape_;
    const Batch batch = batch_of(piece, std::vector<SequenceWeight>(piece.size(), {1, 1}), row_step(), labels_only_);
    model_.forward(ctx, batch, nullptr);
    tape_.backward(ctx);
    peak = std::max(peak, static_cast<std::int64_t>(counting.peak()));
  }
  return peak;
}

double Tuner::plan_seconds() {
  const ObjectiveRule& rule = rule_of(settings_.objective.objective);
  const std::vector<Sequence> sequences = sequences_of(examples_at(0), rule.objective);
  const std::span<const Sequence> part = pieces(sequences).front();
  const auto rows_in = [&](std::span<const Sequence> some) {
    return std::accumulate(some.begin(), some.end(), std::int64_t{0}, [&](std::int64_t sum, const Sequence& s) { return sum + rows_of(s, row_step()); });
  };
  using Clock = std::chrono::steady_clock;
  Clock::time_point start;
  before_step();
  for (int turn = 0; turn < 2; ++turn) {  // the first one finds memory
    start = Clock::now();
    run(part, std::vector<SequenceWeight>(part.size(), {1, 0}), true, nullptr);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  clear_gradients();
  // A forward pass more is a third more: the scores that a loss is made of, and those of the start model.
  const double passes = 1 + (rule.objective == Objective::supervised ? 0 : 1.0 / 3) + (rule.compares ? 1.0 / 3 : 0);
  std::int64_t rows = 0;
  for (std::int64_t step = 0; step < settings_.steps; ++step) rows += rows_in(sequences_of(examples_at(step), rule.objective));
  return passes * seconds * static_cast<double>(rows) / static_cast<double>(rows_in(part));
}

}  // namespace bantam::adapt
