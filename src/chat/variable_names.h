// Which variables a chat template may read.
#pragma once

#include <string>
#include <vector>

#include "base/rooms.h"
#include "chat/chat_template.h"

namespace bantam::chat {

// The names in its tags that are no attributes and no words of the language, in order, each once: those
// of its own variables are among them, so a name that is missing here has no effect.
std::vector<std::string> variable_names(const ChatTemplate& chat_template);

}  // namespace bantam::chat
