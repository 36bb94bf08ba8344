// Runs that there are already, as a person's table tells of them.
#pragma once

#include <string>
#include <vector>

#include "judge/scaling.h"

namespace bantam::judge {

// A .csv or .jsonl file (packed by gzip or not) with the columns parameters, tokens and loss; others are not
// looked at. Throws Error with file, line and column: one is missing or stands twice, a row is too short or
// too long, a value is no number above 0.
std::vector<ScalePoint> read_runs(const std::string& file);

}  // namespace bantam::judge
