// Everything that decides what a training run computes. Two runs with equal settings and equal data
// give the same bytes.
#pragma once

#include <cstdint>
#include <string>

#include "base/view.h"
#include "data/dataset.h"
#include "models/config.h"
#include "tensor/context.h"

namespace bantam::train {

struct OptimiserSettings {
  bool muon = true;         // for the matrices of layers; false: AdamW for all
  double muon_rate = 0.02;  // of Muon, for the matrices
  double muon_momentum = 0.95;
  double rate = 3e-3;  // of AdamW, for the rest
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-10;
  double decay = 0.0;  // decoupled weight decay, on matrices only ...
  bool decay_vectors = false;  // ... or on all that is trained
  // The moments are averages with beta1 and beta2 as float32 holds them; this takes these numbers for
  // the correction of their beginning too. With beta2 = 0.999 each update is else 6e-6 too large.
  bool rounded_betas = false;
  double clip = 1.0;   // largest norm of the gradient; 0: none
};

// Learning rates rise over `warmup`, stay, and fall linearly to `floor` over the last `decay` part
// of all tokens: fractions of the run, never of the clock.
struct Schedule {
  double warmup = 0.02, decay = 0.35, floor = 0.0;
  // The factor of the rates at a step, 0-based.
  double at(std::int64_t step, std::int64_t steps) const;
};

struct TrainSettings {
  Config model;
  std::int64_t steps = 0;
  std::int64_t context = 256;   // tokens a row; a multiple of 32
  std::int64_t rows = 16;       // rows a step
  std::int64_t micro_rows = 0;  // rows at a time (0: all); fewer need less memory, same bytes
  std::int64_t groups = 1;      // of a step's rows, equally many: see group_sum.h
  std::uint64_t seed = 1;
  Arithmetic arithmetic = Arithmetic::bf16;
  bool recompute = false;
  double validation = 0.01;  // share of the documents
  OptimiserSettings optimiser;
  Schedule schedule;

  std::int64_t tokens_per_step() const { return context * rows; }
  std::int64_t rows_at_a_time() const {
    const std::int64_t most = rows / groups;
    return micro_rows > 0 && micro_rows < most ? micro_rows : most;
  }
  // Throws Error naming the field that does not fit.
  void check() const;
  // All that enters the result, on one line a field: compared when a run is resumed, so that the
  // difference can be named. Memory settings (micro_rows, recompute) are left out: they do not.
  std::string text() const;
};

}  // namespace bantam::train
