// What a teacher says may stand at a label, as shares of tokens (Hinton et al. 2015, "Distilling the knowledge in a
// neural network", at temperature 1): what fine-tuning and training learn beside the label itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/file.h"
#include "base/rooms.h"
#include "data/labelled.h"
#include "models/loader.h"

namespace bantam::train {

struct TeacherSettings {
  double share = 0.5;         // of the teacher's answer in what is learnt; the rest is the label's
  std::int64_t likeliest = 64;  // tokens that are kept of it, as if they were all
};

// Shares of one label: those of the `likeliest` tokens of the logits (equal ones by their id), made to add up
// to `share`, and 1 - share of the label itself. Throws Error for logits that are no numbers.
SoftLabel soft_label(std::span<const float> logits, std::int32_t label, const TeacherSettings& settings);

// Tells the weights of models apart: of each tensor name, size and beginning.
std::string weights_mark(const ModelFile& file);
// Tells teachers apart: its name, and of each tensor name, size and beginning.
std::string teacher_mark(const ModelFile& teacher, const Path& path);

}  // namespace bantam::train
