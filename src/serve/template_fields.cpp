#include "serve/template_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/nearest.h"
#include "chat/variable_names.h"
#include "serve/refusal.h"

namespace bantam::serve {

namespace {

constexpr const char* kThinking = "enable_thinking";
constexpr const char* kEffort = "reasoning_effort";

Refusal unknown_variable(const TemplateVariable& variable, const std::vector<std::string>& names) {
  const std::string near = nearest(variable.name, names);
  return Refusal(400,
                 "the model's chat template reads no variable " + printable(variable.name, 60) +
                     (near.empty() ? "" : "; did you mean " + near + "?"),
                 variable.field, "unsupported_parameter");
}

// Whether somebody asks for a thought, or for none; nullopt where it is about something else.
std::optional<bool> wants_thought(const TemplateVariable& variable) {
  if (variable.name == kThinking && variable.value.is_boolean()) return variable.value.get<bool>();
  if (variable.name == kEffort && variable.value == "none") return false;
  return std::nullopt;
}

}  // namespace

std::vector<TemplateVariable> parse_template_variables(const Fields& body) {
  std::vector<TemplateVariable> all;
  if (const Json* effort = body.find(kEffort)) {
    body.need_text(kEffort);
    all.push_back({kEffort, *effort, body.path(kEffort)});
  }
  if (const Json* think = body.find("think")) {
    if (!think->is_boolean() && !think->is_string())
      throw Refusal(400, "true, false or a word for how much was expected", body.path("think"),
                    "invalid_type");
    all.push_back({think->is_boolean() ? kThinking : kEffort, *think, body.path("think")});
  }
  if (const auto enable = body.flag(kThinking))
    all.push_back({kThinking, *enable, body.path(kThinking)});
  if (const Json* variables = body.find("chat_template_kwargs")) {
    const Fields object(*variables, body.path("chat_template_kwargs"));
    for (const auto& [name, value] : variables->items()) {
      if (name == "messages")
        throw Refusal(400, "the messages are the request's", object.path(name), "invalid_value");
      all.push_back({name, value, object.path(name)});
    }
  }
  return all;
}

ChatPrompt prompt_with(const std::vector<TemplateVariable>& variables, const Tokenizer& tokenizer,
                       const ChatTemplate& chat_template, Json messages) {
  if (variables.empty()) return make_prompt(tokenizer, chat_template, std::move(messages));
  const std::vector<std::string> names = variable_names(chat_template);
  const auto reads = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  Json told = Json::object();
  std::vector<const TemplateVariable*> untold;
  for (const TemplateVariable& variable : variables) {
    if (reads(variable.name))
      told[variable.name] = variable.value;
    else if (variable.name == kEffort && variable.value == "none" && reads(kThinking))
      told[kThinking] = false;
    else if (wants_thought(variable))
      untold.push_back(&variable);
    else
      throw unknown_variable(variable, names);
  }
  ChatPrompt prompt =
      make_prompt(tokenizer, chat_template, std::move(messages), std::move(told));
  // A template that has no such variable and begins no thought: there is none to switch off.
  for (const TemplateVariable* variable : untold)
    if (*wants_thought(*variable) != prompt.thinking) throw unknown_variable(*variable, names);
  return prompt;
}

}  // namespace bantam::serve
