// What a template wants of a message's content: a text, or a list of parts ({"type": "text", "text":
// ...}). A template that wants the other one drops the text or prints its spelling, in silence. So each
// is rendered with both and looked at, as llama.cpp does (minja/chat-template.hpp, ochafik/minja:
// requires_typed_content), for each role by itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"

namespace bantam::chat {

// A content as one text: a text as it is, parts that are all text with a line end between them. nullopt
// when other parts are among them, or it is neither.
std::optional<std::string> text_of_content(const Json& content);

class ContentForms {
 public:
  // Renders a conversation; may throw Error.
  using Render = std::function<std::string(const Json& messages)>;
  explicit ContentForms(const Render& render);

  // The messages with contents as the template wants them: a text becomes one part, parts that are all
  // text become text_of_content. Other contents stay as they are.
  Json fit(const Json& messages) const;

 private:
  enum class Form { given, text, parts };
  Form form_of(const std::string& role) const;

  std::map<std::string, Form> forms_;
};

}  // namespace bantam::chat
