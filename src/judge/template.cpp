#include "judge/template.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "chat/chat_template.h"
#include "words/unicode.h"

namespace bantam::judge {

namespace {

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string name_at(std::string_view source, std::size_t at) {
  while (at < source.size() && (source[at] == ' ' || source[at] == '-' || source[at] == '(')) ++at;
  std::size_t end = at;
  if (end < source.size() && is_name_start(source[end]))
    while (end < source.size() && is_name_part(source[end])) ++end;
  return std::string(source.substr(at, end - at));
}

// The names that expressions begin with, but for those that the template sets itself.
std::vector<std::string> fields_in(std::string_view source) {
  std::vector<std::string> fields, own{"loop", "true", "false", "none", "not", "range", "namespace"};
  for (std::size_t at = 0; (at = source.find("{%", at)) != std::string_view::npos; at += 2) {
    const std::string word = name_at(source, at + 2);
    if (word != "for" && word != "set") continue;
    const std::size_t after = source.find(word, at) + word.size();
    const std::size_t end = std::min(source.find_first_of("%=", after), source.size());
    for (std::size_t i = after; i < end; ++i)
      if (is_name_start(source[i]) && !is_name_part(source[i - 1])) {
        const std::string name = name_at(source, i);
        if (name == "in") {
          fields.push_back(name_at(source, i + 2));
          break;
        }
        own.push_back(name);
      }
  }
  for (std::size_t at = 0; (at = source.find("{{", at)) != std::string_view::npos; at += 2)
    fields.push_back(name_at(source, at + 2));
  std::erase_if(fields, [&](const std::string& f) {
    return f.empty() || std::find(own.begin(), own.end(), f) != own.end();
  });
  return fields;
}

}  // namespace

std::string fields_instead(const Json& record, const std::string& field) {
  std::vector<std::string> names;
  if (record.is_object())
    for (const auto& [name, unused] : record.items()) names.push_back(name);
  if (const std::string near = nearest(field, names); !near.empty()) return "did you mean " + printable(near, 60) + "?";
  if (names.empty()) return "it has no fields";
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < 12; ++i) list += (i == 0 ? "" : ", ") + printable(names[i], 60);
  return "it has " + list + (names.size() > 12 ? ", ..." : "");
}

Template::Template(std::string_view source, std::string where) : where_(std::move(where)) {
  if (source.find('{') == std::string_view::npos) {
    plain_ = source;
    return;
  }
  fields_ = fields_in(source);
  // Jinja drops one newline at the end of a template; it does not where something follows.
  program_ = std::make_unique<ChatTemplate>(std::string(source) + "{{ '' }}", where_);
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;

std::string Template::render(const Json& record) const {
  if (!program_) return plain_;
  for (const std::string& field : fields_)
    if (!record.contains(field))
      throw Error("the template speaks of \"" + printable(field, 60) +
                  "\", which is missing in a record (of a CSV: a column); " + fields_instead(record, field))
          .in(where_);
  for (const std::string& field : fields_)
    if (!all_finite(record[field]))
      throw Error("the template speaks of \"" + printable(field, 60) + "\", which in a record is a number that is none (NaN or Infinity)")
          .in(where_);
  ChatInput input;
  input.extra = record;
  return program_->render(input);
}

std::string as_text(const Json& value) {
  if (!all_finite(value)) throw Error("a record has a number there that is none (NaN or Infinity)");
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::vector<Json> along_path(const Json& record, std::string_view path, const std::string& where) {
  const auto wrong = [&](const Json& value, std::string_view step) {
    return Error("\"" + std::string(path) + "\" leads nowhere in a record: there is no \"" + printable(step, 60) + "\"; " +
                 fields_instead(value, std::string(step)))
        .in(where);
  };
  std::vector<Json> now{record};
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t end = std::min(rest.find('.'), rest.size());
    std::string_view step = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const bool each = step.ends_with("[]");
    if (each) step.remove_suffix(2);
    std::vector<Json> next;
    for (const Json& value : now) {
      const auto at = value.is_object() ? value.find(std::string(step)) : value.end();
      if (!value.is_object() || at == value.end()) throw wrong(value, step);
      if (!each) {
        next.push_back(*at);
        continue;
      }
      if (!at->is_array())
        throw Error("\"" + std::string(path) + "\": \"" + printable(step, 60) + "\" is no list in a record").in(where);
      for (const Json& one : *at) next.push_back(one);
    }
    now = std::move(next);
  }
  return now;
}

std::vector<std::string> texts_along(const Json& record, std::string_view path,
                                     const std::string& where) {
  std::vector<std::string> out;
  try {
    for (const Json& value : along_path(record, path, where)) out.push_back(as_text(value));
  } catch (Error& error) {
    throw error.file().empty() ? error.in(where).field(std::string(path)) : error;
  }
  return out;
}

}  // namespace bantam::judge
