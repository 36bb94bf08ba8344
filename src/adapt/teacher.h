// Distillation: at every label the student learns what a larger model of the same tokenizer answers there,
// beside the label itself (train/shares.h). The teacher is asked once, and its likeliest tokens are kept in a file.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/file.h"
#include "base/rooms.h"
#include "data/labelled.h"
#include "tokenizer/tokenizer.h"
#include "train/shares.h"

namespace bantam::adapt {

// Gives the labels of the examples the teacher's shares, from the file `kept` if it was written for the same
// teacher and examples, else asked and written. One that was written for others, which took its time, is
// replaced only `anew`; else Error is thrown. `go_on` is asked between examples; false: it said no. Throws
// Error when the teacher has another tokenizer than the student, or no room for an example.
bool ask_teacher(const Path& teacher, const Tokenizer& student, std::vector<LabelledExample>& examples,
                 const TeacherSettings& settings, const Path& kept, bool anew, unsigned threads,
                 const std::function<bool(std::int64_t done)>& go_on);

}  // namespace bantam::adapt
