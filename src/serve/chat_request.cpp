// The body of POST /v1/chat/completions.
#include <nlohmann/json.hpp>

#include "serve/refusal.h"
#include "serve/requests.h"

namespace bantam::serve {

namespace {

constexpr std::int64_t kMostChatTop = 20;  // OpenAI's

// A string, or a list of parts that are text: those become lines of one text, as in llama.cpp
// (common/chat.cpp, to_json_oaicompat), since most templates take strings alone.
std::string content_text(const Fields& message) {
  const Json* content = message.find("content");
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array())
    throw Refusal(400, "a string or an array of text parts was expected", message.path("content"),
                  "invalid_type");
  std::string all;
  for (std::size_t i = 0; i < content->size(); ++i) {
    const Fields part((*content)[i], message.path("content") + "[" + std::to_string(i) + "]");
    if (part.need_text("type") != "text")
      throw Refusal(400, "the model takes parts of type \"text\" alone", part.path("type"),
                    "invalid_value");
    const std::string& text = part.need_text("text");
    all += (all.empty() ? "" : "\n") + text;
  }
  return all;
}

std::string role_of(const Fields& message) {
  const std::string& role = message.need_text("role");
  if (role == "developer") return "system";  // its newer name, which templates do not know
  for (const std::string_view known : {"system", "user", "assistant"})
    if (role == known) return role;
  throw Refusal(400, "system, developer, user or assistant was expected", message.path("role"),
                "invalid_value");
}

Json parse_messages(const Fields& body) {
  const Json& list = body.need("messages");
  if (!list.is_array() || list.empty())
    throw Refusal(400, "an array of at least one message was expected", "messages", "invalid_type");
  Json messages = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Fields message(list[i], "messages[" + std::to_string(i) + "]");
    std::string role = role_of(message);
    if (message.find("content") == nullptr && role != "assistant")
      throw Refusal(400, "is missing", message.path("content"), "missing_required_parameter");
    messages.push_back({{"role", std::move(role)}, {"content", content_text(message)}});
  }
  return messages;
}

}  // namespace

ChatRequest parse_chat(std::string_view body, const Limits& limits, const Defaults& defaults) {
  const Json json = parse_body(body, limits);
  const Fields fields(json);
  ChatRequest request{parse_generation(fields, defaults), parse_messages(fields), nullptr};
  Generation& generation = request.generation;
  const auto top = fields.whole("top_logprobs", 0, kMostChatTop);
  if (fields.flag("logprobs").value_or(false)) {
    generation.top_probabilities = top.value_or(0);
  } else if (top.value_or(0) > 0) {
    throw Refusal(400, "goes with logprobs", "top_logprobs", "invalid_value");
  }
  if (fields.flag("echo").value_or(false))
    throw Refusal(400, "is not supported by this endpoint", "echo", "unsupported_parameter");
  if (const Json* variables = fields.find("chat_template_kwargs")) {
    const Fields object(*variables, "chat_template_kwargs");
    request.template_variables = *variables;
  }
  return request;
}

}  // namespace bantam::serve
