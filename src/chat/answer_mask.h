// Which tokens of a rendered conversation the model says itself: what training counts. Found by the
// template's own loop over the messages and by tokens that the template wrote, never by looking for
// text: a conversation may quote every marker there is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "chat/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace bantam::chat {

enum class Labels : std::uint8_t { answers, last_answer, all };

struct MaskedPrompt {
  struct Span {
    std::size_t begin, end;         // bytes of the text
    bool stopped = false;           // ends with a token at which generation stops
    bool counts = true;             // false: none of it is a label (counts_in_training)
    std::size_t first = 0, last = 0;  // its ids: [first, last)
  };
  std::string text;
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> mask;  // 1: the token is a label
  std::vector<Span> answers;       // what the assistant says, its stop token included
};

// Whether training counts what a message says: not where its "weight" is 0, as OpenAI's data for
// fine-tuning has it. Throws Error where that is neither 0 nor 1.
bool counts_in_training(const Json& message);

// The conversation as the template renders it, without the opening of a further answer. An answer
// is what follows the template's generation prompt in the part that belongs to an assistant's
// message, up to the last stop token there; without one, all of that part. A token that overlaps an
// answer is a label, unless the message does not count. Control tokens come from the template alone: content that spells one is text.
// Throws Error: what the template raises; a template that does not go over the messages in a loop,
// or whose answers do not begin as its generation prompt does.
MaskedPrompt mask_answers(const ChatTemplate& chat, const Tokenizer& tokenizer, ChatInput input,
                          Labels labels = Labels::answers);

}  // namespace bantam::chat
