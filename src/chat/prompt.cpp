#include "chat/prompt.h"

#include "tokenizer/tokenizer.h"

namespace bantam::chat {

ChatPrompt make_prompt(const Tokenizer& tokenizer, const ChatTemplate& chat_template, Json messages,
                       Json variables) {
  ChatInput input;
  input.messages = std::move(messages);
  input.extra = std::move(variables);
  set_special_tokens(tokenizer, input);
  ChatPrompt prompt;
  prompt.text = chat_template.render(input);
  const std::size_t last = prompt.text.find_last_not_of(" \n");
  prompt.thinking =
      last != std::string::npos && prompt.text.substr(0, last + 1).ends_with("<think>");
  // The template writes the beginning of the text itself: it must not stand there twice.
  prompt.ids = tokenizer.encode(prompt.text, {false, true});
  return prompt;
}

}  // namespace bantam::chat
