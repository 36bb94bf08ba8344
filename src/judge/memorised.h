// What a model gives back of its training text word for word: lines whose first half is shown to it
// (extractable memorisation; Carlini et al. 2023, "Quantifying memorization across neural language
// models"), and personal data that it goes on with when it sees what stands before them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "judge/choose.h"
#include "judge/training_text.h"

namespace bantam::tokenizer {
class Tokenizer;
}

namespace bantam::judge {

struct Memorised {
  std::vector<TaskRun> runs;
  TrainingText text;
};

// Questions made of training text (.txt, .md, .jsonl): "memorised", and where there are personal data
// "personal_data". At most `most` of each, drawn by the seed from all different lines. Throws Error:
// what cannot be read, no line that is long enough.
Memorised memorised_runs(const std::vector<std::string>& paths, const Tokenizer& tokenizer,
                         std::size_t most, std::uint64_t seed);

}  // namespace bantam::judge
