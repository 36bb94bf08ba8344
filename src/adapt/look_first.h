// What can be found wrong with a fine-tuning before hours of work are spent on it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "adapt/run.h"
#include "base/rooms.h"
#include "models/loader.h"

namespace bantam::adapt {

// Throws Error that names the first, unless the request says to go on without them.
void refuse_broken(const TuneRequest& request, const std::vector<BrokenRecord>& broken);

// Throws Error unless a run of this method can go on from this adapter under the template that it learnt, and its
// result be written. `model_template`: the model's own.
void require_start(const TuneRequest& request, const Adapter& start, Method method, const std::string& model_template);

// All that is asked for besides the answers, before a teacher writes them: the template and what it makes of each
// question with some answer, the method, the targets, the adapter to go on from. `quantised`, `fast_bf16`: as
// choose() wants them; `day`: what templates see. Throws Error as the run would after the writing.
void look_at_questions(const TuneRequest& request, const ModelFile& file, bool quantised, bool fast_bf16,
                       const LocalTime& day, const ChatData& questions);

// Of records that are longer than the model's context: how many, for people; "": none is. Throws Error with the line where
// the model cannot go so far.
std::string look_at_lengths(const TuneRequest& request, const ModelFile& file, std::span<const LabelledExample> examples);

// How many of the records that are measured are learnt from as well.
std::int64_t learnt_too(std::span<const LabelledExample> measured, std::span<const LabelledExample> examples);

// It holds an answer beside the last one.
bool answered_before(const ChatRecord& record);

}  // namespace bantam::adapt
