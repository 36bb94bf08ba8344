#include "chat/content_form.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::chat {

namespace {

const std::string kNeedle = "needle in 7 haystacks";
const std::string kHay = "hay";

Json as_parts(const std::string& text) { return Json::array({{{"type", "text"}, {"text", text}}}); }

// Whether the template shows the text of a content, not the content's spelling as a list.
bool shows_text(const ContentForms::Render& render, const Json& messages) {
  try {
    const std::string out = render(messages);
    return out.find(kNeedle) != out.npos && out.find("'text': '" + kNeedle) == out.npos &&
           out.find("\"text\": \"" + kNeedle) == out.npos &&
           out.find("\"text\":\"" + kNeedle) == out.npos;
  } catch (const Error&) {
    return false;
  }
}

// A conversation in which a message of the role has this content. `hay`: what the others say.
Json conversation(const std::string& role, const Json& content, const Json& hay) {
  const Json message = {{"role", role}, {"content", content}};
  const Json question = {{"role", "user"}, {"content", hay}};
  if (role == "user") return Json::array({message});
  if (role == "assistant") return Json::array({question, message, question});
  if (role != "tool") return Json::array({message, question});
  const Json call = {{"id", "call00001"},
                     {"type", "function"},
                     {"function", {{"name", "f"}, {"arguments", Json::object()}}}};
  Json answer = message;
  answer["name"] = "f";
  answer["tool_call_id"] = "call00001";
  return Json::array(
      {question, {{"role", "assistant"}, {"content", ""}, {"tool_calls", {call}}}, answer});
}

}  // namespace

std::optional<std::string> text_of_content(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) return std::nullopt;
  std::string all;
  for (const Json& part : content) {
    const bool text = part.is_object() && part.contains("type") && part["type"] == "text" &&
                      part.contains("text") && part["text"].is_string();
    if (!text) return std::nullopt;
    if (&part != &content.front()) all += '\n';
    all += part["text"].get_ref<const std::string&>();
  }
  return all;
}

ContentForms::ContentForms(const Render& render) {
  for (const char* role : {"user", "system", "assistant", "tool"}) {
    const Json hay = form_of("user") == Form::parts ? as_parts(kHay) : Json(kHay);
    const bool text = shows_text(render, conversation(role, kNeedle, hay));
    const bool parts = shows_text(render, conversation(role, as_parts(kNeedle), hay));
    if (text || parts)
      forms_[role] = text && parts ? Form::given : text ? Form::text : Form::parts;
  }
}

// A role that could not be seen is taken to be like the user's.
ContentForms::Form ContentForms::form_of(const std::string& role) const {
  if (const auto at = forms_.find(role); at != forms_.end()) return at->second;
  const auto user = forms_.find("user");
  return user == forms_.end() ? Form::given : user->second;
}

Json ContentForms::fit(const Json& messages) const {
  if (!messages.is_array()) return messages;
  Json fitted = messages;
  for (Json& message : fitted) {
    if (!message.is_object() || !message.contains("content") || !message.contains("role") ||
        !message["role"].is_string())
      continue;
    Json& content = message["content"];
    const Form form = form_of(message["role"].get<std::string>());
    if (form == Form::parts && content.is_string())
      content = as_parts(content.get<std::string>());
    else if (form == Form::text && content.is_array())
      if (auto text = text_of_content(content)) content = std::move(*text);
  }
  return fitted;
}

}  // namespace bantam::chat
