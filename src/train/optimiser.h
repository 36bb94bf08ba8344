// One step of AdamW and Muon over all parameters.
#pragma once

#include <vector>

#include "base/rooms.h"
#include "train/parameters.h"
#include "train/settings.h"

namespace bantam::train {

class Optimiser {
 public:
  explicit Optimiser(const OptimiserSettings& settings) : settings_(settings) {}

  // Folds the gradients of several uses into the first and returns the norm of all gradients,
  // summed in an order of its own: the same for any number of threads.
  double gather(Context& ctx, std::vector<Parameter>& parameters) const;

  // Applies one step. `step` counts from 0, `factor` is the schedule's, `norm` what gather
  // returned.
  void apply(Context& ctx, std::vector<Parameter>& parameters, std::int64_t step, double factor,
             double norm) const;

 private:
  void adam(Context& ctx, Parameter& p, std::int64_t step, double factor, float clip) const;
  void muon(Context& ctx, std::vector<Parameter*>& matrices, double factor, float clip) const;

  OptimiserSettings settings_;
};

}  // namespace bantam::train
