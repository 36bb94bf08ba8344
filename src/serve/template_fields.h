// What a client tells the model's chat template: chat_template_kwargs, and the fields by which others
// ask for a thought or for none.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/rooms.h"
#include "chat/prompt.h"
#include "serve/fields.h"

namespace bantam::serve {

struct TemplateVariable {
  std::string name;
  Json value;
  std::string field;  // of the request, that says it
};

// "chat_template_kwargs" (vLLM, llama.cpp): any variables. "enable_thinking" (Qwen's servers), "think"
// (Ollama, docs/api.md: true, false, or how much): the variable enable_thinking or reasoning_effort.
// "reasoning_effort" (OpenAI). What chat_template_kwargs says stands before the others. Throws Refusal.
std::vector<TemplateVariable> parse_template_variables(const Fields& body);

// The prompt, with the variables that the template reads. Throws Refusal for one that it does not read,
// unless what is asked for is so anyway; Error as make_prompt does.
ChatPrompt prompt_with(const std::vector<TemplateVariable>& variables, const Tokenizer& tokenizer,
                       const ChatTemplate& chat_template, Json messages);

}  // namespace bantam::serve
