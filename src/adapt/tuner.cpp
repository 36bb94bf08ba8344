#include "adapt/tuner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "adapt/adapter.h"
#include "base/error.h"
#include "base/random.h"
#include "kernels/math.h"

namespace bantam::adapt {

double TuneSettings::rate_at(std::int64_t step) const {
  const auto done = static_cast<double>(step), all = static_cast<double>(std::max<std::int64_t>(steps, 1));
  const double rising = std::ceil(warmup * all);
  if (done < rising) return (done + 1) / (rising + 1);
  const double part = (done - rising) / std::max(all - rising, 1.0);
  switch (curve) {
    case RateCurve::constant:
      return 1;
    case RateCurve::linear:
      return 1 - part;
    case RateCurve::cosine:
      return 0.5 * (1 + bantam_cos(part * 3.14159265358979323846));
  }
  return 1;
}

std::string TuneSettings::text() const {
  const OptimiserSettings& o = optimiser;
  std::string out = fmt::format("objective = {}\nbeta = {}\n", rule_of(objective.objective).name, objective.beta);
  out += fmt::format("rate = {}\nbeta1 = {}\nbeta2 = {}\neps = {}\ndecay = {}\nclip = {}\n", o.rate,
                     o.beta1, o.beta2, o.eps, o.decay, o.clip);
  out += fmt::format("curve = {}\nwarmup = {}\nsteps = {}\nbatch = {}\norder = {}\nseed = {}\n",
                     static_cast<int>(curve), warmup, steps, batch, static_cast<int>(order), seed);
  if (objective.objective == Objective::grpo) out += groups.text();
  constexpr std::string_view kArithmetics[] = {"f32", "int8", "bf16", "faithful"};  // as Arithmetic has them
  return out + fmt::format("arithmetic = {}\n", kArithmetics[static_cast<std::size_t>(arithmetic)]) + learner;
}

ExampleStream::ExampleStream(std::size_t examples, const TuneSettings& settings)
    : examples_(examples), batch_(settings.batch), order_(settings.order), seed_(settings.seed) {
  if (examples == 0) throw Error("there is no example to learn from");
  if (batch_ < 1) throw Error("a batch of at least one example was expected").field("batch");
}

std::int64_t ExampleStream::steps_per_epoch() const {
  return (static_cast<std::int64_t>(examples_) + batch_ - 1) / batch_;
}

std::vector<std::size_t> ExampleStream::order_of(std::uint64_t epoch) const {
  std::vector<std::size_t> order(examples_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (order_ == ExampleOrder::given) return order;
  // Streams of one seed: 6 for the order of examples, further ones for each epoch.
  const Random random(seed_, (std::uint64_t{6} << 32) + epoch);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i, i))]);
  return order;
}

std::vector<std::size_t> ExampleStream::at(std::int64_t step) const {
  const auto epoch = static_cast<std::uint64_t>(step / steps_per_epoch());
  if (epoch != cached_epoch_) {
    cached_ = order_of(epoch);
    cached_epoch_ = epoch;
  }
  const auto first = static_cast<std::size_t>(step % steps_per_epoch() * batch_);
  const std::size_t last = std::min(first + static_cast<std::size_t>(batch_), examples_);
  return {cached_.begin() + static_cast<std::ptrdiff_t>(first),
          cached_.begin() + static_cast<std::ptrdiff_t>(last)};
}

namespace {

// Those that learn from examples of a kind: "dpo or orpo".
std::string objectives_of(ExampleKind kind) {
  std::string out;
  for (const ObjectiveRule& rule : objective_rules())
    if (rule.examples == kind && rule.loss) out += (out.empty() ? "" : " or ") + std::string(rule.name);
  return out;
}

}  // namespace

Tuner::Tuner(Model& model, Tape& tape, std::vector<Parameter>& parameters,
             std::span<const LabelledExample> examples, TuneSettings settings, std::string data,
             ThreadPool& pool, const Kernels& kernels)
    : model_(model),
      tape_(tape),
      parameters_(parameters),
      examples_(examples),
      settings_(std::move(settings)),
      identity_{settings_.text(), std::move(data)},
      stream_(examples.size(), settings_),
      ctx_(pool, kernels, arena_),
      optimiser_(settings_.optimiser) {
  ctx_.arithmetic = settings_.arithmetic;
  // Also in bf16, where raising a model keeps bf16 between ops: on 20 steps that were computed in float64 the losses
  // of LoRA are 0.019 away so, and 0.030 otherwise, for a few percent more time.
  ctx_.activation = Type::f32;
  ctx_.recompute = settings_.recompute;
  // bf16 sums the gradient of a head over tokens in steps: rows left out would move the others.
  const bool head = std::ranges::any_of(parameters, [](const Parameter& p) {
    return p.name.starts_with("output.") || p.name.starts_with("token_embd.");
  });
  labels_only_ = !(head && settings_.arithmetic == Arithmetic::bf16);
  const ExampleKind wanted = rule_of(settings_.objective.objective).examples;
  for (const LabelledExample& e : examples)
    if (e.kind != wanted)
      throw Error("the objective " + std::string(rule_of(settings_.objective.objective).name) +
                  " does not learn from records of this form (" + std::string(form_name(e.form)) + "); --objective " + objectives_of(e.kind) + " does" +
                  (e.form == RecordForm::verdict ? "; without the key label all of them are learnt as answers" : ""))
          .line(static_cast<std::uint64_t>(e.line));
}

Tuner::~Tuner() = default;

// Sequences that run together: in order, so many that their rows stay within bounds.
std::vector<std::span<const Sequence>> Tuner::pieces(std::span<const Sequence> sequences) const {
  std::vector<std::span<const Sequence>> out;
  std::size_t first = 0;
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::int64_t more = rows_of(sequences[i], row_step());
    const bool full = settings_.micro_batch > 0
                          ? static_cast<std::int64_t>(i - first) >= settings_.micro_batch
                          : rows + more > settings_.tokens_at_a_time;
    if (i > first && full) {
      out.push_back(sequences.subspan(first, i - first));
      first = i;
      rows = 0;
    }
    rows += more;
  }
  out.push_back(sequences.subspan(first));
  return out;
}

namespace {

// Adds up the losses of a batch by sequence: those of answers and those of prompts.
void add_scores(const Tensor& losses, const Batch& batch, std::span<const Sequence> sequences,
                std::int64_t step, std::vector<SequenceScore>& scores) {
  std::int64_t row = 0;
  std::size_t wanted = 0;
  // Where the loss of a row lies; negative: it has none that counts.
  const auto place = [&](std::int64_t r) -> std::int64_t {
    if (batch.wanted.empty()) return batch.weights[static_cast<std::size_t>(r)] == 0 ? -1 : r;
    if (wanted == batch.wanted.size() || batch.wanted[wanted] != r) return -1;
    return static_cast<std::int64_t>(wanted++);
  };
  for (const Sequence& s : sequences) {
    SequenceScore score;
    const std::int64_t rows = rows_of(s, step), inputs = std::max<std::int64_t>(static_cast<std::int64_t>(s.used()), 1) - 1;
    for (std::int64_t i = 0; i < inputs; ++i) {
      const std::int64_t at = place(row + i);
      if (at < 0) continue;
      const double log_p = -static_cast<double>(losses.f32()[at]);
      const bool answer = s.answer(static_cast<std::size_t>(i + 1));
      (answer ? score.answer : score.prompt) += log_p;
      ++(answer ? score.answer_tokens : score.prompt_tokens);
      if (answer) score.each.push_back(log_p);
    }
    row += rows;
    scores.push_back(score);
  }
}

}  // namespace

// The sum of the weighted losses. The order of every sum is that of the sequences, however they are
// divided.
double Tuner::run(std::span<const Sequence> sequences, std::span<const SequenceWeight> weights,
                  bool backward, std::vector<SequenceScore>* scores) {
  double sum = 0;
  std::size_t first = 0;
  for (const std::span<const Sequence> piece : pieces(sequences)) {
    const Batch batch = batch_of(piece, weights.subspan(first, piece.size()), row_step(), labels_only_);
    first += piece.size();
    arena_.reset();
    ctx_.tape = backward ? &tape_ : nullptr;
    const Tensor losses = model_.forward(ctx_, batch, nullptr);
    for (std::int64_t t = 0; t < losses.dim(0) && !ctx_.kernels().empty; ++t)
      sum += static_cast<double>(losses.f32()[t]);
    if (scores) add_scores(losses, batch, piece, row_step(), *scores);
    if (backward) tape_.backward(ctx_);
    ctx_.tape = nullptr;
  }
  return sum;
}

std::vector<SequenceScore> Tuner::score(std::span<const Sequence> sequences, bool prompts) {
  std::vector<SequenceScore> scores;
  run(sequences, std::vector<SequenceWeight>(sequences.size(), {1, prompts ? 1.0 : 0.0}), false, &scores);
  return scores;
}

void Tuner::learn(std::span<const Sequence> sequences) {
  run(sequences, std::vector<SequenceWeight>(sequences.size()), true, nullptr);
}

std::vector<const LabelledExample*> Tuner::examples_at(std::int64_t step) const {
  std::vector<const LabelledExample*> out;
  for (const std::size_t i : stream_.at(step)) out.push_back(&examples_[i]);
  return out;
}

bool Tuner::remember_reference(const Path& kept, double save_every, const std::function<bool(std::int64_t)>& go_on) {
  if (!compares()) return true;
  using Clock = std::chrono::steady_clock;
  const Objective objective = settings_.objective.objective;
  const std::string owner = text_sum(identity_.settings + identity_.data);
  reference_ = kept_reference(kept, owner);
  const auto fits = [&](std::size_t step) {
    return step < static_cast<std::size_t>(settings_.steps) &&
           reference_[step].size() == sequences_of(examples_at(static_cast<std::int64_t>(step)), objective).size();
  };
  for (std::size_t step = 0; step < reference_.size(); ++step)
    if (!fits(step)) reference_.clear();
  const std::size_t found = reference_.size();
  // The same steps of two epochs in the given order compare the same sequences.
  const bool repeats = settings_.order == ExampleOrder::given || objective != Objective::kto;
  std::map<std::vector<std::size_t>, std::size_t> known;
  Clock::time_point saved = Clock::now();
  for (std::size_t step = 0; step < static_cast<std::size_t>(settings_.steps); ++step) {
    const auto first = known.emplace(stream_.at(static_cast<std::int64_t>(step)), step).first->second;
    if (step < found) continue;
    if (repeats && first < step) {
      reference_.push_back(reference_[first]);
      continue;
    }
    const bool on = go_on(static_cast<std::int64_t>(step));
    if (!on || std::chrono::duration<double>(Clock::now() - saved).count() >= save_every) {
      keep_reference(kept, owner, reference_);
      saved = Clock::now();
    }
    if (!on) return false;
    reference_.push_back(score(sequences_of(examples_at(static_cast<std::int64_t>(step)), objective)));
    for (SequenceScore& s : reference_.back()) s.each = {};  // sums are compared; of all steps this would be much
  }
  if (found < reference_.size()) keep_reference(kept, owner, reference_);
  return true;
}

namespace {

std::vector<std::uint8_t> labels_of(std::span<const LabelledExample* const> examples) {
  std::vector<std::uint8_t> out;
  for (const LabelledExample* e : examples) out.push_back(e->label);
  return out;
}

// Scores as far as they are known without a forward pass: how many tokens there are.
std::vector<SequenceScore> counts_of(std::span<const Sequence> sequences) {
  std::vector<SequenceScore> out;
  for (const Sequence& s : sequences) {
    SequenceScore score;
    for (std::size_t i = 1; i < s.used(); ++i)
      ++(s.answer(i) ? score.answer_tokens : score.prompt_tokens);
    out.push_back(score);
  }
  return out;
}

}  // namespace

double Tuner::loss_and_gradient(std::span<const Sequence> sequences,
                                std::span<const LabelledExample* const> examples,
                                std::span<const SequenceScore> reference) {
  const ObjectiveRule& rule = rule_of(settings_.objective.objective);
  std::vector<SequenceWeight> weights(sequences.size());
  const bool known = rule.objective == Objective::supervised;
  const std::vector<SequenceScore> scores = known ? counts_of(sequences) : score(sequences);
  const double loss = rule.loss(scores, reference, labels_of(examples), settings_.objective.beta, weights);
  if (known) return run(sequences, weights, true, nullptr);
  // Sequences that only measure (the divergence of KTO) have no gradient.
  std::vector<Sequence> learned;
  std::vector<SequenceWeight> own;
  for (std::size_t i = 0; i < sequences.size(); ++i)
    if (weights[i].answer != 0 || weights[i].prompt != 0) {
      learned.push_back(sequences[i]);
      own.push_back(weights[i]);
    }
  if (!learned.empty()) run(learned, own, true, nullptr);
  return loss;
}

void Tuner::clear_gradients() {
  for (Parameter& p : parameters_)
    for (Tensor& g : p.gradients)
      std::memset(g.view().data, 0, static_cast<std::size_t>(g.shape().count()) * 4);
}

double Tuner::loss_of_examples() {
  const auto examples = examples_at(state_.step);
  const std::vector<Sequence> sequences = sequences_of(examples, settings_.objective.objective);
  const std::span<const SequenceScore> reference =
      reference_.empty() ? std::span<const SequenceScore>()
                         : std::span<const SequenceScore>(reference_.at(static_cast<std::size_t>(state_.step)));
  return loss_and_gradient(sequences, examples, reference);
}

double Tuner::step() {
  const auto start = std::chrono::steady_clock::now();
  before_step();
  clear_gradients();
  const double loss = own_loss ? own_loss() : loss_of_examples();
  const double norm = optimiser_.gather(ctx_, parameters_);
  if (!std::isfinite(loss) || !std::isfinite(norm))
    throw Error("at step " + std::to_string(state_.step) + " the " +
                (std::isfinite(loss) ? "gradient" : "loss") +
                " is not a number any more; the step was not applied. Lower the learning rate");
  optimiser_.apply(ctx_, parameters_, state_.step, settings_.rate_at(state_.step), norm);
  ++state_.step;
  const auto kept = static_cast<float>(loss);  // as a checkpoint keeps it: a resumed run tells the same
  state_.losses.push_back(kept);
  state_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return static_cast<double>(kept);
}

std::vector<SequenceScore> Tuner::score_answers(std::span<const LabelledExample> examples) {
  before_step();
  std::vector<Sequence> sequences;
  for (const LabelledExample& e : examples) {
    if (!e.label) continue;
    const bool masked = e.kind == ExampleKind::supervised;
    sequences.push_back({e.first.ids, {}, masked ? e.first.mask : std::span<const std::uint8_t>(), e.prompt});
  }
  return sequences.empty() ? std::vector<SequenceScore>() : score(sequences);
}

// Also for objectives that compare.
double Tuner::evaluate(std::span<const LabelledExample> examples) {
  double sum = 0;
  std::int64_t labels = 0;
  for (const SequenceScore& s : score_answers(examples)) {
    sum -= s.answer;
    labels += s.answer_tokens;
  }
  return sum / static_cast<double>(std::max<std::int64_t>(labels, 1));
}

void Tuner::save(const Path& path) const { write_checkpoint(path, identity_, state_, parameters_); }

void Tuner::resume(const Path& path) {
  state_ = read_checkpoint(path, identity_, parameters_);
  for (const Parameter& p : parameters_) p.changed();
}

}  // namespace bantam::adapt
