// Values as text: Python's str(), repr() and json.dumps().
#pragma once

#include <string>
#include <string_view>

#include "base/rooms.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

class Interpreter;

// str(): what {{ }} prints.
std::string to_text(Interpreter& with, const Value& value);
std::string repr(Interpreter& with, const Value& value);
// In quotes, the way repr() of a string chooses and escapes.
std::string repr_text(std::string_view text);
// The shortest digits that read back as the same double, as Python prints them: 1e-05, 10.0, inf.
std::string real_text(double value);

struct JsonStyle {
  bool ascii = false;
  bool sort_keys = false;
  bool indented = false;
  std::string indent;  // of one level
  std::string item_separator = ", ", key_separator = ": ";
};
// json.dumps(). Throws Error for what JSON has no form for.
std::string to_json(Interpreter& with, const Value& value, const JsonStyle& style);

}  // namespace bantam::chat::jinja
