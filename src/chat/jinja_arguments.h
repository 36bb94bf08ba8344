// How builtins read their arguments.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "chat/jinja_builtins.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"

namespace bantam::chat::jinja {

// The argument as a truth value; `otherwise` when it was not given.
inline bool flag(const Arguments& arguments, std::size_t i, bool otherwise = false) {
  return arguments.has(i) ? truth(arguments[i]) : otherwise;
}

// An integer; none and what was not given are `otherwise`.
inline std::int64_t whole(const Arguments& arguments, std::size_t i, std::int64_t otherwise) {
  if (!arguments.has(i) || arguments[i].is(Type::none)) return otherwise;
  require_defined(arguments[i]);
  if (!arguments[i].is_whole())
    throw Error("an integer was expected, not a value of type '" + type_name(arguments[i]) + "'");
  return arguments[i].integer();
}

inline const std::string& text(const Value& value) {
  require_defined(value);
  if (!value.is(Type::string))
    throw Error("a string was expected, not a value of type '" + type_name(value) + "'");
  return value.text();
}

inline bool is_given(const Arguments& arguments, std::size_t i) {
  return arguments.has(i) && !arguments[i].is(Type::none);
}

// The value itself when it is a string, or the string that prints it.
inline Value soft_text(Interpreter& with, const Value& value) {
  return value.is(Type::string) ? value : with.string(to_text(with, value));
}

}  // namespace bantam::chat::jinja
