// What a fine-tuning learns from, made ready: records read, rendered, told apart, held out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "adapt/run.h"

namespace bantam::adapt {

// One clock for all that a run renders, as a template may print the date; kept in the run's folder from the
// first thing on that is kept there, so that a run which is resumed tomorrow renders the same. `anew`: the
// one that is there does not count.
inline constexpr const char* kDay = "day";
LocalTime day_of_run(const Path& folder, bool anew);
void keep_day(const Path& folder, const LocalTime& day);

// A SHA-256 of all tokens, labels and shares, in hex; behind it, of grpo, one of what a reward reads.
std::string fingerprint(const PreparedData& data);
std::string fingerprint(const LabelledExample& example);  // its tokens, labels and shares

// Moves a share of the examples to `held`: chosen by a hash of their content, so that the same record
// falls on the same side in every file.
void hold_out(std::vector<LabelledExample>& examples, double share, std::vector<LabelledExample>& held);

}  // namespace bantam::adapt
