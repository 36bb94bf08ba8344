// Raising a ladder of models for `bantam scale`.
#pragma once

#include <vector>

#include "base/file.h"
#include "judge/ladder.h"
#include "judge/scale_report.h"
#include "train/shares.h"

namespace bantam::cli {

struct Ladder {
  std::vector<judge::LadderRun> runs;
  std::vector<judge::LadderRun> taught;  // the same with a teacher, run for run; empty: there is none
  std::string teacher;                   // its name
  TeacherSettings teaching;
  double guess = 0;  // the accuracy of chance at the job
  std::string task;  // its name; empty: none
};

// Trains every size on every amount into OUT/SIZE-TOKENS.gguf, with a teacher also into
// OUT/SIZE-TOKENS.taught.gguf, and asks each the questions of the job.
// What is there already is not done again; a run that was stopped goes on. Throws Error; Interrupted
// when it was stopped.
Ladder raise_ladder(const judge::LadderRecipe& recipe, const Path& out, unsigned threads, bool quiet);

}  // namespace bantam::cli
