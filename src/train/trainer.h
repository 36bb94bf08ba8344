// Training: steps over packed rows, one gradient for each, checkpoints between them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/rooms.h"
#include "models/model.h"
#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/optimiser.h"
#include "train/settings.h"

namespace bantam::train {

// What a run needs, counted by running it with empty kernels.
struct TrainPlan {
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;      // masters, gradients, moments
  std::int64_t activation_bytes = 0;  // of one forward and backward pass
  std::int64_t pack_bytes = 0;        // weights packed for the products
  std::int64_t checkpoint_bytes = 0, model_bytes = 0;
  std::int64_t memory() const { return weight_bytes + activation_bytes + pack_bytes; }
};
TrainPlan plan_training(const Family& family, const TrainSettings& settings);

class Trainer {
 public:
  // `store` outlives the trainer, and so does `soft`, what a teacher says of it: filled before the first step;
  // null: there is no teacher. Throws Error when the settings do not fit or memory is short.
  Trainer(const Family& family, TrainSettings settings, const TokenStore& store, ThreadPool& pool,
          const Kernels& kernels, const SoftStore* soft = nullptr);
  ~Trainer();

  const TrainSettings& settings() const { return settings_; }
  const TrainPlan& plan() const { return plan_; }
  const RunState& state() const { return state_; }
  RunState& state() { return state_; }
  const RunIdentity& identity() const { return identity_; }
  Model& model() { return *model_; }
  std::span<const Parameter> parameters() const { return parameters_; }
  // Bytes that forward and backward have really taken so far: what the plan foretold.
  std::int64_t activation_peak() const { return static_cast<std::int64_t>(arena_.peak()); }
  const Split& split() const { return split_; }
  std::int64_t rows_per_epoch() const { return stream_->rows_per_epoch(); }
  bool done() const { return state_.step >= settings_.steps; }

  // One optimiser step; returns its loss. Throws Error when the loss or the gradient is not a
  // number: before anything is applied.
  double step();
  // Seconds of one forward and backward pass over a micro-batch, changing nothing: for the plan.
  double trial();
  // The mean loss over validation documents, at most `rows` rows of them.
  double validate(std::int64_t rows = 64);

  void save(const Path& path) const;
  void resume(const Path& path);

 private:
  double accumulate(std::span<const PackedRow> rows);
  double chain(std::span<const PackedRow> rows, double denominator);
  double forward(const Batch& batch, bool backward);
  void clear_gradients();

  TrainSettings settings_;
  const TokenStore& store_;
  const SoftStore* soft_;
  TrainPlan plan_;
  Split split_;
  RunIdentity identity_;
  RunState state_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<RowStream> stream_;
  std::vector<PackedRow> validation_rows_;
  Tape tape_;
  Arena arena_;
  Context ctx_;
  std::vector<Parameter> parameters_;
  Optimiser optimiser_;
};

// A Llama of about this many parameters, all counted, the tied
// embedding included.
Config shape_for_size(std::int64_t parameters, std::int64_t vocabulary, std::int64_t context);
// The same with so many layers: only the width is chosen, in finer steps.
Config shape_for_layers(std::int64_t parameters, std::int64_t layers, std::int64_t vocabulary,
                        std::int64_t context);
std::int64_t count_parameters(const Family& family, const Config& config);
// A Llama's shape as the configuration of another family. Throws Error for what the family cannot
// be.
Config as_family(const Config& shape, const Family& family);

}  // namespace bantam::train
