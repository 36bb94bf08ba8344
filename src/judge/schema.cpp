#include "judge/schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "judge/python_text.h"

namespace bantam::judge {

struct Schema::Node {
  bool never = false;  // the schema false
  std::vector<std::string> types, required;
  std::vector<Json> choices;  // enum
  std::optional<Json> same;   // const
  std::map<std::string, std::unique_ptr<Node>> properties;
  std::unique_ptr<Node> others, items;  // of properties that are not named; null: anything
  std::optional<Json> least, most, above, below;  // numbers as they are written: 2^63 too
  std::int64_t least_items = 0, most_items = std::numeric_limits<std::int64_t>::max();
  std::int64_t least_length = 0, most_length = most_items;
  std::optional<Pattern> pattern;
  std::string pattern_text;

  std::optional<std::string> check(const Json& value, const std::string& path) const;
  std::optional<std::string> check_object(const Json& value, const std::string& path) const;
  std::optional<std::string> check_array(const Json& value, const std::string& path) const;
  std::optional<std::string> check_number(const Json& value, const std::string& path) const;
  std::optional<std::string> check_text(const Json& value, const std::string& path) const;
};

namespace {

Error wrong(const std::string& path, const std::string& message) {
  return Error(printable(path, 200) + ": " + message);
}

bool is_type(const Json& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "number") return value.is_number();
  // 1.0 is an integer, too.
  if (!value.is_number()) return false;
  return value.is_number_integer() || std::floor(value.get<double>()) == value.get<double>();
}

std::int64_t whole_count(const Json& value, const std::string& path) {
  if (!is_type(value, "integer") || value.get<double>() < 0 || value.get<double>() > 1e15)
    throw wrong(path, "a count was expected");
  return static_cast<std::int64_t>(value.get<double>());
}

Json number_of(const Json& value, const std::string& path) {
  if (!value.is_number()) throw wrong(path, "a number was expected");
  return value;
}

std::vector<std::string> texts_of(const Json& value, const std::string& path) {
  std::vector<std::string> out;
  if (!value.is_array()) throw wrong(path, "a list of texts was expected");
  for (const Json& one : value) {
    if (!one.is_string()) throw wrong(path, "a list of texts was expected");
    out.push_back(one.get<std::string>());
  }
  return out;
}

std::vector<std::string> types_of(const Json& value, const std::string& path) {
  constexpr std::array<std::string_view, 7> kTypes{"null",  "boolean", "string", "array",
                                                   "object", "number",  "integer"};
  const std::vector<std::string> out =
      value.is_string() ? std::vector{value.get<std::string>()} : texts_of(value, path);
  if (out.empty()) throw wrong(path, "a type was expected");
  for (const std::string& type : out)
    if (std::ranges::find(kTypes, type) == kTypes.end())
      throw wrong(path, "there is no type \"" + printable(type, 40) + "\"");
  return out;
}

bool only_describes(std::string_view keyword) {
  constexpr std::array<std::string_view, 7> kWords{"title",   "description", "default", "examples",
                                                   "$schema", "$id",         "$comment"};
  return std::ranges::find(kWords, keyword) != kWords.end();
}

std::string counted(std::int64_t least, std::int64_t most, const char* what) {
  if (most == std::numeric_limits<std::int64_t>::max()) return "at least " + std::to_string(least) + what;
  return std::to_string(least) + " to " + std::to_string(most) + what;
}

}  // namespace

std::unique_ptr<Schema::Node> Schema::read(const Json& schema, const std::string& path) {
  auto node = std::make_unique<Node>();
  if (schema.is_boolean()) {
    node->never = !schema.get<bool>();
    return node;
  }
  if (!schema.is_object()) throw wrong(path, "an object, true or false was expected");
  for (const auto& [keyword, value] : schema.items()) {
    const std::string at = path + "/" + keyword;
    if (keyword == "type") node->types = types_of(value, at);
    else if (keyword == "required") node->required = texts_of(value, at);
    else if (keyword == "const") node->same = value;
    else if (keyword == "items") node->items = read(value, at);
    else if (keyword == "additionalProperties") node->others = read(value, at);
    else if (keyword == "minimum") node->least = number_of(value, at);
    else if (keyword == "maximum") node->most = number_of(value, at);
    else if (keyword == "exclusiveMinimum") node->above = number_of(value, at);
    else if (keyword == "exclusiveMaximum") node->below = number_of(value, at);
    else if (keyword == "minItems") node->least_items = whole_count(value, at);
    else if (keyword == "maxItems") node->most_items = whole_count(value, at);
    else if (keyword == "minLength") node->least_length = whole_count(value, at);
    else if (keyword == "maxLength") node->most_length = whole_count(value, at);
    else if (keyword == "enum") {
      if (!value.is_array()) throw wrong(at, "a list was expected");
      node->choices.assign(value.begin(), value.end());
      if (node->choices.empty()) node->never = true;
    } else if (keyword == "properties") {
      if (!value.is_object()) throw wrong(at, "an object was expected");
      for (const auto& [name, each] : value.items()) node->properties[name] = read(each, at + "/" + name);
    } else if (keyword == "pattern") {
      if (!value.is_string()) throw wrong(at, "a regular expression was expected");
      node->pattern_text = value.get<std::string>();
      node->pattern.emplace(node->pattern_text);
    } else if (!only_describes(keyword)) {
      throw wrong(at, "answers cannot be held to this keyword here");
    }
  }
  return node;
}

std::optional<std::string> Schema::Node::check_object(const Json& value, const std::string& path) const {
  for (const std::string& name : required)
    if (!value.contains(name)) return path + ": " + name + " is missing";
  for (const auto& [name, each] : value.items()) {
    const auto known = properties.find(name);
    const Node* const node = known != properties.end() ? known->second.get() : others.get();
    if (node == nullptr) continue;
    if (auto problem = node->check(each, path + "/" + name)) return problem;
  }
  return std::nullopt;
}

std::optional<std::string> Schema::Node::check_array(const Json& value, const std::string& path) const {
  const auto size = static_cast<std::int64_t>(value.size());
  if (size < least_items || size > most_items) return path + ": " + counted(least_items, most_items, " items") + " were expected";
  for (std::size_t i = 0; items && i < value.size(); ++i)
    if (auto problem = items->check(value[i], path + "/" + std::to_string(i))) return problem;
  return std::nullopt;
}

std::optional<std::string> Schema::Node::check_number(const Json& value, const std::string& path) const {
  if (least && value < *least) return path + ": at least " + to_text(*least) + " was expected";
  if (most && value > *most) return path + ": at most " + to_text(*most) + " was expected";
  if (above && value <= *above) return path + ": more than " + to_text(*above) + " was expected";
  if (below && value >= *below) return path + ": less than " + to_text(*below) + " was expected";
  return std::nullopt;
}

std::optional<std::string> Schema::Node::check_text(const Json& value, const std::string& path) const {
  const std::string& text = value.get_ref<const std::string&>();
  const auto length = static_cast<std::int64_t>(code_points(text));
  if (length < least_length || length > most_length)
    return path + ": " + counted(least_length, most_length, " characters") + " were expected";
  if (pattern && !pattern->found_in(text)) return path + ": " + pattern_text + " is not found in it";
  return std::nullopt;
}

std::optional<std::string> Schema::Node::check(const Json& value, const std::string& path) const {
  if (never) return path + ": nothing may stand here";
  if (!types.empty() && std::ranges::none_of(types, [&](const std::string& t) { return is_type(value, t); })) {
    std::string names;
    for (const std::string& t : types) names += (names.empty() ? "" : " or ") + t;
    return path + ": " + names + " was expected";
  }
  if (!choices.empty() && std::ranges::find(choices, value) == choices.end()) return path + ": is none of the values that may be";
  if (same && value != *same) return path + ": " + to_text(*same) + " was expected";
  if (value.is_object()) return check_object(value, path);
  if (value.is_array()) return check_array(value, path);
  if (value.is_number()) return check_number(value, path);
  if (value.is_string()) return check_text(value, path);
  return std::nullopt;
}

Schema::Schema(const Json& schema) : root_(read(schema, "#")) {}
Schema::~Schema() = default;
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;

std::optional<std::string> Schema::problem(const Json& value) const { return root_->check(value, "#"); }

}  // namespace bantam::judge
