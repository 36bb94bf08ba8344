// What the files of filters, tests and methods share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/rooms.h"
#include "chat/jinja_builtins.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

const Builtin* find_text_filter(std::string_view name);
const Builtin* find_number_filter(std::string_view name);
const Builtin* find_list_filter(std::string_view name);
const Builtin* find_string_method(std::string_view name);
const Builtin* find_string_test_method(std::string_view name);

std::string centered(Interpreter& with, const Value& value, std::int64_t width,
                     std::string_view fill);
// str.replace(); `count` below 0 is all.
std::string replaced(Interpreter& with, std::string_view text, std::string_view from,
                     std::string_view to, std::int64_t count);
// float(); throws Error where Python raises ValueError or TypeError.
double to_real(const Value& value);

// The way to an attribute: "a.b.0", an index, or none for the value itself.
class AttributePath {
 public:
  // `fallback` (unset: none) stands for what is undefined on the way.
  explicit AttributePath(const Value& attribute, Value fallback = {});
  Value operator()(Interpreter& with, Value value) const;

 private:
  Values parts_;
  Value fallback_;
};

// Strings in lower case, everything else as it is.
Value ignore_case(Interpreter& with, const Value& value);

}  // namespace bantam::chat::jinja
