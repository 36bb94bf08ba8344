// Whether a run fits into this machine: asked before the first step.
#pragma once

#include "base/file.h"
#include "train/recipe.h"
#include "train/trainer.h"

namespace bantam::train {

// Throws Error when the plan does not fit into `available` bytes, and names the largest that does:
// so many rows at a time (the result is the same), or a model of so many parameters (unless its
// shape is said by the recipe, `shaped`).
void check_memory(const Family& family, const TrainSettings& settings, const TrainPlan& plan,
                  bool shaped, std::int64_t available);

// What the run of a recipe needs, where it can be at all: throws Error when its text has fewer tokens than one
// context, or what check_memory refuses of the memory that is free.
TrainPlan check_run(const Recipe& recipe, const TrainSettings& settings, std::int64_t text_tokens);

// Throws Error when the disk of `out` has no room for the model and two checkpoints: a new one is
// whole before the old one goes.
void check_disk(const Path& out, const TrainPlan& plan);

}  // namespace bantam::train
