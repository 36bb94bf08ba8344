// A text with the fields of a record in it: Jinja2, as the field's harness writes its tasks (a newline
// at the end is kept; a field that is missing is an error).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace bantam::chat {
class ChatTemplate;
}

namespace bantam::judge {

class Template {
 public:
  // `where`: what errors name, such as "arc_easy.toml: prompt.question". Throws Error.
  Template(std::string_view source, std::string where);
  ~Template();
  Template(Template&&) noexcept;

  std::string render(const Json& record) const;

 private:
  std::string where_;
  std::string plain_;                // where the source is no template at all
  std::vector<std::string> fields_;  // that it speaks of
  std::unique_ptr<ChatTemplate> program_;
};

// Values along a path into a record: "a.b" is one, "a[].b" one for each of the list a. Throws Error
// naming `where` when there is none.
std::vector<Json> along_path(const Json& record, std::string_view path, const std::string& where);
// The same, each a text (numbers as they are written).
std::vector<std::string> texts_along(const Json& record, std::string_view path,
                                     const std::string& where);
// What to say where a record has no such field: the nearest name, or those that there are.
std::string fields_instead(const Json& record, const std::string& field);

std::string as_text(const Json& value);

}  // namespace bantam::judge
