// Records that ask without answering: what roll-outs begin with, and what their reward reads.
#pragma once

#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/run.h"

namespace bantam::adapt {

// Throws Error (usage): a request for the objective grpo without a reward, or with what needs answers
// that the data holds or a teacher gives.
void check_group_request(const TuneRequest& request);

// Fills `out.examples` with prompts that end where the model is to answer, and `out.records` with the
// record of each. A record has messages (a last answer is left away), or a prompt or question (a text
// or messages); its other fields are the reward's. Those that cannot be used, also by the reward, are
// listed as broken. Throws Error as read_chat_data does, or when no record can be used.
void prepare_prompts(const TuneRequest& request, const Path& data, const LocalTime& day,
                     PreparedData& out);

}  // namespace bantam::adapt
