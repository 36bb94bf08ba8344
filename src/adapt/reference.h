// How the start model scored what objectives compare with, kept beside a run's checkpoint: a run that is stopped
// meanwhile goes on there, and a resumed one need not ask the start model again.
#pragma once

#include <string>
#include <vector>

#include "adapt/objective.h"
#include "base/file.h"

namespace bantam::adapt {

using StepScores = std::vector<std::vector<SequenceScore>>;  // of each step, its sequences in order

// `owner`: what they are scores of. Sums alone are kept, not each token's.
void keep_reference(const Path& file, const std::string& owner, const StepScores& scores);

// What is kept there of this owner, the same bits; nothing where the file is missing, another's, or damaged.
StepScores kept_reference(const Path& file, const std::string& owner);

}  // namespace bantam::adapt
