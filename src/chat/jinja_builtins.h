// The tables of filters, tests, methods and functions that templates can use.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

class Interpreter;

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;

  // After binding: the argument of parameter `i`, unset when it was not given.
  const Value& operator[](std::size_t i) const { return positional[i]; }
  bool has(std::size_t i) const { return !positional[i].is(Type::unset); }
};

// `self` is the filtered or tested value, or the one that the method belongs to.
struct Builtin {
  std::string_view name;
  Value (*run)(Interpreter&, const Value& self, Arguments&);
  // Names of the parameters with spaces between; "*" takes any arguments as they are.
  std::string_view parameters = {};
  int required = 0;
};

// Null when there is none.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
const Builtin* find_function(std::string_view name);
// A method without `run` is one that the sandbox keeps from templates.
const Builtin* find_method(Type type, std::string_view name);

// Puts the arguments where the parameters are. Throws Error as Python's call would.
void bind(const Builtin& builtin, Arguments& arguments);

// A function, or a method with the value it belongs to.
struct Callable : Object {
  const Builtin* builtin = nullptr;
  Value self;
};

// A row of a table, searched in order.
template <std::size_t N>
const Builtin* find_in(const Builtin (&table)[N], std::string_view name) {
  for (const Builtin& row : table)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace bantam::chat::jinja
