// Records as questions: what somebody asks, without the answer, which another model is to write.
#pragma once

#include "base/rooms.h"
#include "data/conversation.h"

namespace bantam::data {

// One record of any form that is asked something, up to the turn that is to be answered: its last answer may
// be there, and is left out, or be missing. Becomes a conversation (RecordForm::chat). Throws Error that says
// what is wrong with it; plain text and tokens ask nothing.
ChatRecord question_of(const Json& json);

// As read_chat_data, of such records.
ChatData read_questions(const Path& path);

}  // namespace bantam::data
