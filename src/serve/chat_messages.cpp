// The messages of a conversation, out of the body of a request.
#include <array>
#include <nlohmann/json.hpp>

#include "serve/refusal.h"
#include "serve/requests.h"

namespace bantam::serve {

namespace {

// A string, or a list of parts that are text: the template is given which of them it was.
Json content_of(const Fields& message) {
  const Json* content = message.find("content");
  if (content == nullptr) return "";
  if (content->is_string()) return *content;
  if (!content->is_array())
    throw Refusal(400, "a string or an array of text parts was expected", message.path("content"),
                  "invalid_type");
  if (content->empty()) return "";
  Json parts = Json::array();
  for (std::size_t i = 0; i < content->size(); ++i) {
    const Fields part((*content)[i], message.path("content") + "[" + std::to_string(i) + "]");
    if (part.need_text("type") != "text")
      throw Refusal(400, "the model takes parts of type \"text\" alone", part.path("type"),
                    "invalid_value");
    part.allow({"type", "text", "cache_control"}, {"annotations", "logprobs"});
    parts.push_back({{"type", "text"}, {"text", part.need_text("text")}});
  }
  return parts;
}

std::string role_of(const Fields& message) {
  const std::string& role = message.need_text("role");
  if (role == "developer") return "system";  // its newer name, which templates do not know
  for (const std::string_view known : {"system", "user", "assistant"})
    if (role == known) return role;
  throw Refusal(400, "system, developer, user or assistant was expected", message.path("role"),
                "invalid_value");
}

// What a model thought before an answer, by the names that others have for it: templates read it as
// reasoning_content (Qwen), or as thinking (gpt-oss).
void add_thought(const Fields& message, Json& out) {
  for (const char* name : {"reasoning", "thinking", "reasoning_content"})
    if (const auto thought = message.text(name))
      out[name] = out["reasoning_content"] = *thought;
}

Json parse_message(const Fields& message) {
  Json out = {{"role", role_of(message)}};
  const Json* content = message.find("content");
  const bool none = content == nullptr || (content->is_array() && content->empty());
  if (none && out["role"] != "assistant")
    throw Refusal(400, "is missing", message.path("content"), "missing_required_parameter");
  // Of the answers of other servers; with tools or images they would have to be served.
  message.allow({"role", "content", "name", "reasoning", "reasoning_content", "thinking"},
                {"annotations", "audio", "function_call", "images", "prefix", "refusal",
                 "tool_call_id", "tool_calls"});
  out["content"] = content_of(message);
  if (const auto name = message.text("name")) out["name"] = *name;
  add_thought(message, out);
  return out;
}

}  // namespace

Json parse_messages(const Fields& body) {
  const Json& list = body.need("messages");
  if (!list.is_array() || list.empty())
    throw Refusal(400, "an array of at least one message was expected", "messages", "invalid_type");
  Json messages = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i)
    messages.push_back(parse_message(Fields(list[i], "messages[" + std::to_string(i) + "]")));
  return messages;
}

}  // namespace bantam::serve
