#include "serve/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "serve/other_fields.h"
#include "serve/refusal.h"

namespace bantam::serve {

namespace {

Refusal wrong_type(const std::string& path, std::string_view expected) {
  return Refusal(400, fmt::format("{} was expected", expected), path, "invalid_type");
}

}  // namespace

bool says_nothing(const Json& value) {
  return value.is_null() || value == Json(false) ||
         (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_structured() && value.empty());
}

Fields::Fields(const Json& object, std::string path) : object_(&object), path_(std::move(path)) {
  if (!object.is_object())
    throw path_.empty() ? Refusal(400, "a JSON object was expected as the body", "", "invalid_type")
                        : wrong_type(path_, "an object");
}

std::string Fields::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

const Json* Fields::find(std::string_view name) const {
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const Json& Fields::need(std::string_view name) const {
  if (const Json* value = find(name)) return *value;
  throw Refusal(400, "is missing", path(name), "missing_required_parameter");
}

void Fields::allow(std::initializer_list<std::string_view> names,
                   std::initializer_list<std::string_view> others) const {
  for (const auto& [name, value] : object_->items()) {
    if (value.is_null() || std::ranges::find(names, std::string_view(name)) != names.end())
      continue;
    if (std::ranges::find(others, std::string_view(name)) == others.end())
      refuse_unknown(name, std::vector<std::string>(names.begin(), names.end()), path_);
    if (!says_nothing(value))
      throw Refusal(400, "is not supported by this server", path(name), "unsupported_parameter");
  }
}

std::optional<bool> Fields::flag(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw wrong_type(path(name), "true or false");
  return value->get<bool>();
}

std::optional<double> Fields::number(std::string_view name, double least, double most) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : least - 1;
  if (!(number >= least && number <= most))
    throw Refusal(400, fmt::format("a number from {} to {} was expected", least, most), path(name),
                  value->is_number() ? "invalid_value" : "invalid_type");
  return number;
}

std::optional<std::int64_t> Fields::whole(std::string_view name, std::int64_t least,
                                          std::int64_t most) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool whole = value->is_number_integer();
  const std::int64_t number = whole ? value->get<std::int64_t>() : 0;
  if (!whole || number < least || number > most)
    throw Refusal(400, fmt::format("a whole number from {} to {} was expected", least, most),
                  path(name), whole ? "invalid_value" : "invalid_type");
  return number;
}

std::optional<std::string> Fields::text(std::string_view name) const {
  if (find(name) == nullptr) return std::nullopt;
  return need_text(name);
}

const std::string& Fields::need_text(std::string_view name) const {
  const Json& value = need(name);
  if (!value.is_string()) throw wrong_type(path(name), "a string");
  return value.get_ref<const std::string&>();
}

}  // namespace bantam::serve
