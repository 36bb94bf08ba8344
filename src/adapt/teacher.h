// Distillation: at every label the student learns what a larger model of the same tokenizer answers there,
// beside the label itself (Hinton et al. 2015, "Distilling the knowledge in a neural network", at temperature
// 1). The teacher is asked once, and its likeliest tokens are kept in a file.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/file.h"
#include "base/rooms.h"
#include "data/labelled.h"
#include "models/loader.h"
#include "tokenizer/tokenizer.h"

namespace bantam::adapt {

struct TeacherSettings {
  double share = 0.5;         // of the teacher's answer in what is learnt; the rest is the label's
  std::int64_t likeliest = 64;  // tokens that are kept of it, as if they were all
};

// Shares of one label: those of the `likeliest` tokens of the logits (equal ones by their id), made to add up
// to `share`, and 1 - share of the label itself. Throws Error for logits that are no numbers.
SoftLabel soft_label(std::span<const float> logits, std::int32_t label, const TeacherSettings& settings);

// Tells teachers apart: its name, and of each tensor name, size and beginning.
std::string teacher_mark(const ModelFile& teacher, const Path& path);

// Gives the labels of the examples the teacher's shares, from the file `kept` if it was written for the same
// teacher and examples, else asked and written. One that was written for others, which took its time, is
// replaced only `anew`; else Error is thrown. `go_on` is asked between examples; false: it said no. Throws
// Error when the teacher has another tokenizer than the student, or no room for an example.
bool ask_teacher(const Path& teacher, const Tokenizer& student, std::vector<LabelledExample>& examples,
                 const TeacherSettings& settings, const Path& kept, bool anew, unsigned threads,
                 const std::function<bool(std::int64_t done)>& go_on);

}  // namespace bantam::adapt
