// A conversation rendered so that what it quotes can be told from what the template wrote.
#pragma once

#include <string>
#include <vector>

#include "base/rooms.h"
#include "chat/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace bantam::chat {

struct QuotedRendering {
  Rendering rendering;
  std::vector<std::size_t> quoted;  // rising: bytes of control tokens' spellings in the content
};

// Renders with a character of every control token that the messages, tools or variables spell
// replaced by one that nothing else uses, and puts it back. The text is verified to be that of a
// plain rendering. Throws Error where the template looks into such a spelling, so that it is not.
QuotedRendering render_quoting(const ChatTemplate& chat, const Tokenizer& tokenizer,
                               const ChatInput& input);

}  // namespace bantam::chat
