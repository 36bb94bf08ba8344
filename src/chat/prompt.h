// The prompt that a conversation becomes: the one way from messages to text and tokens, for the
// command line, the library and the server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "chat/chat_template.h"

namespace bantam::chat {

struct ChatPrompt {
  std::string text;
  std::vector<std::int32_t> ids;
  // The text ends inside a thought ("<think>"), so that the answer begins there.
  bool thinking = false;
};

// `messages`: [{"role", "content"}, ...] as clients write them. `variables`: more for the template,
// an object or null. The model's answer is to come next. Throws Error as the template does.
ChatPrompt make_prompt(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                       Json messages, Json variables = nullptr);

}  // namespace bantam::chat
