// Whether a run fits into this machine: asked before the first step.
#pragma once

#include "base/file.h"
#include "train/trainer.h"

namespace bantam::train {

// Throws Error when the plan does not fit into `available` bytes, and names the largest that does:
// so many rows at a time (the result is the same), or a model of so many parameters (unless its
// shape is said by the recipe, `shaped`).
void check_memory(const Family& family, const TrainSettings& settings, const TrainPlan& plan,
                  bool shaped, std::int64_t available);

// Throws Error when the disk of `out` has no room for the model and two checkpoints: a new one is
// whole before the old one goes.
void check_disk(const Path& out, const TrainPlan& plan);

}  // namespace bantam::train
