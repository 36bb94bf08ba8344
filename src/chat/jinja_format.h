// Python's two ways to format text: "%s" % values, and "{}".format(values).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/rooms.h"
#include "chat/jinja_builtins.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

class Interpreter;

// text % right. Throws Error where Python does, and for conversions of bytes (%a is one of text).
Value percent_format(Interpreter& with, const Value& text, const Value& right);
// text.format(...), reaching attributes and items by the rules of the sandbox.
Value brace_format(Interpreter& with, const Value& text, const Arguments& arguments);
// format(value, spec), the part behind the colon of a brace.
std::string format_value(Interpreter& with, const Value& value, std::string_view spec);

// What a specification of either kind asks for.
struct FormatSpec {
  std::string fill = " ";
  char align = 0;  // < > = ^, or 0: what suits the type
  char sign = '-';
  bool alternate = false;
  char grouping = 0;  // , or _
  std::int64_t width = 0;
  int precision = -1;
  char type = 0;
};
// Throws Error for a type that the value does not have.
std::string format_number(Interpreter& with, const Value& value, const FormatSpec& spec);
// Fills the text up to the width; `numeric` aligns to the right unless told otherwise.
std::string padded(Interpreter& with, std::string_view text, const FormatSpec& spec, bool numeric);

}  // namespace bantam::chat::jinja
