#include "train/trainer.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "train/group_sum.h"
#include "train/soft_store.h"

namespace bantam::train {

namespace {

Type activation_type(const TrainSettings& settings) {
  return settings.arithmetic == Arithmetic::bf16 ? Type::bf16 : Type::f32;
}

void set_up(Context& ctx, const TrainSettings& settings) {
  ctx.arithmetic = settings.arithmetic;
  ctx.activation = activation_type(settings);
  ctx.recompute = settings.recompute;
}

// A batch of the largest shape: rows of one document each.
Batch full_batch(const TrainSettings& settings) {
  Batch batch;
  for (std::int64_t row = 0; row < settings.rows_at_a_time(); ++row)
    for (std::int64_t i = 0; i < settings.context; ++i)
      batch.add(0, static_cast<std::int32_t>(i), static_cast<std::int32_t>(row), false);
  batch.targets.assign(batch.tokens.size(), 0);
  batch.weights.assign(batch.tokens.size(), 1);
  return batch;
}

}  // namespace

std::int64_t count_parameters(const Family& family, const Config& config) {
  std::unique_ptr<Model> model = family.make(config);
  std::set<std::string> seen;
  std::int64_t count = 0;
  for (const WeightSpec& w : model->weights())
    if (seen.insert(w.own_name()).second) count += w.shape.count();
  return count;
}

TrainPlan plan_training(const Family& family, const TrainSettings& settings) {
  settings.check();
  TrainPlan plan;
  plan.parameters = count_parameters(family, settings.model);
  Arena weights(0, true), activations(0, true);
  Tape tape;
  const std::unique_ptr<Model> model = family.make(settings.model);
  const std::vector<Parameter> parameters =
      make_parameters(*model, tape, settings.seed, settings.optimiser.muon, &weights);
  plan.weight_bytes = static_cast<std::int64_t>(weights.peak());
  for (const Parameter& p : parameters) {
    plan.checkpoint_bytes += p.shape.count() * 4 * (p.second ? 3 : 2);
    if (settings.arithmetic == Arithmetic::bf16 && p.shape.rank() == 2)
      plan.pack_bytes +=
          PackedB::bytes(p.shape[1], p.shape[0]) + PackedB::bytes(p.shape[0], p.shape[1]);
  }
  for (const Parameter& p : parameters)
    plan.weight_bytes += GroupSum::most_held(settings.groups) * p.shape.count() * 4 *
                         static_cast<std::int64_t>(p.gradients.size());
  plan.model_bytes = plan.parameters * 4;
  const Kernels nothing = empty_kernels();
  ThreadPool alone(1);
  Context ctx(alone, nothing, activations);
  set_up(ctx, settings);
  ctx.tape = &tape;
  const Batch batch = full_batch(settings);
  model->forward(ctx, batch, nullptr);
  tape.backward(ctx);
  plan.activation_bytes = static_cast<std::int64_t>(activations.peak());
  return plan;
}

Trainer::Trainer(const Family& family, TrainSettings settings, const TokenStore& store,
                 ThreadPool& pool, const Kernels& kernels, const SoftStore* soft)
    : settings_(std::move(settings)),
      store_(store),
      soft_(soft),
      plan_(plan_training(family, settings_)),
      split_(split_documents(store, settings_.validation)),
      identity_{settings_.text(), store.fingerprint() + (soft ? " " + soft->purpose() : ""),
                settings_.tokens_per_step()},
      model_(family.make(settings_.model)),
      stream_(std::make_unique<RowStream>(store, split_.train, settings_.context, settings_.seed)),
      validation_rows_(
          pack_rows(store, split_.validation, settings_.context, settings_.seed, 0, false)),
      arena_(static_cast<std::size_t>(plan_.activation_bytes)),
      ctx_(pool, kernels, arena_),
      optimiser_(settings_.optimiser) {
  set_up(ctx_, settings_);
  parameters_ = make_parameters(*model_, tape_, settings_.seed, settings_.optimiser.muon);
}

Trainer::~Trainer() = default;

void Trainer::clear_gradients() {
  for (Parameter& p : parameters_)
    for (Tensor& g : p.gradients)
      std::memset(g.view().data, 0, static_cast<std::size_t>(g.shape().count()) * 4);
}

double Trainer::forward(const Batch& batch, bool backward) {
  arena_.reset();
  ctx_.tape = backward ? &tape_ : nullptr;
  const Tensor losses = model_->forward(ctx_, batch, nullptr);
  double sum = 0;
  for (std::int64_t t = 0; t < losses.dim(0); ++t) sum += static_cast<double>(losses.f32()[t]);
  if (backward) tape_.backward(ctx_);
  ctx_.tape = nullptr;
  return sum;
}

// The gradient of the weighted mean loss over these rows, added to what is there.
double Trainer::accumulate(std::span<const PackedRow> rows) {
  const double denominator = weight_sum(store_, rows);
  if (settings_.groups == 1) return chain(rows, denominator);
  const std::size_t size = rows.size() / static_cast<std::size_t>(settings_.groups);
  GroupSum sum;
  for (std::size_t first = 0; first < rows.size(); first += size) {
    const double loss = chain(rows.subspan(first, size), denominator);
    sum.add(ctx_, parameters_, loss);
  }
  return sum.finish(ctx_, parameters_);
}

// One chain over the rows. The denominator is known before the first micro-batch, and sums continue
// in place: any division into micro-batches gives the same bytes.
double Trainer::chain(std::span<const PackedRow> rows, double denominator) {
  const auto at_a_time = static_cast<std::size_t>(settings_.rows_at_a_time());
  double loss = 0;
  for (std::size_t first = 0; first < rows.size(); first += at_a_time) {
    const auto part = rows.subspan(first, std::min(at_a_time, rows.size() - first));
    loss += forward(make_batch(store_, part, settings_.context, denominator, soft_), true);
  }
  return loss;
}

double Trainer::step() {
  const auto start = std::chrono::steady_clock::now();
  clear_gradients();
  const std::vector<PackedRow> rows = stream_->take(settings_.rows);
  const double loss = accumulate(rows);
  const double norm = optimiser_.gather(ctx_, parameters_);
  if (!std::isfinite(loss) || !std::isfinite(norm)) {
    stream_->seek(state_.position);
    throw Error("at step " + std::to_string(state_.step) + " the " +
                (std::isfinite(loss) ? "gradient" : "loss") +
                " is not a number any more; the step was not applied. Lower the learning rate");
  }
  optimiser_.apply(ctx_, parameters_, state_.step,
                   settings_.schedule.at(state_.step, settings_.steps), norm);
  ++state_.step;
  state_.position = stream_->position();
  state_.losses.push_back(static_cast<float>(loss));
  state_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return loss;
}

double Trainer::trial() {
  const std::vector<PackedRow> rows = stream_->take(settings_.rows_at_a_time());
  const Batch batch = make_batch(store_, rows, settings_.context, 1, soft_);
  double best = 1e30;
  for (int turn = 0; turn < 2; ++turn) {  // the first also makes room and packs
    const auto start = std::chrono::steady_clock::now();
    forward(batch, true);
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  clear_gradients();
  stream_->seek(state_.position);
  return best;
}

double Trainer::validate(std::int64_t rows) {
  if (validation_rows_.empty()) return 0;
  const auto count = std::min(static_cast<std::size_t>(rows), validation_rows_.size());
  const auto some = std::span(validation_rows_).first(count);
  const double denominator = weight_sum(store_, some);
  const auto at_a_time = static_cast<std::size_t>(settings_.rows_at_a_time());
  double loss = 0;
  for (std::size_t first = 0; first < count; first += at_a_time)
    loss += forward(make_batch(store_, some.subspan(first, std::min(at_a_time, count - first)),
                               settings_.context, denominator),
                    false);
  state_.validation_losses.push_back(static_cast<float>(loss));
  state_.validation_steps.push_back(state_.step);
  return loss;
}

void Trainer::save(const Path& path) const {
  write_checkpoint(path, identity_, state_, parameters_);
}

void Trainer::resume(const Path& path) {
  state_ = read_checkpoint(path, identity_, parameters_);
  stream_->seek(state_.position);
  for (const Parameter& p : parameters_) p.changed();
}

}  // namespace bantam::train
