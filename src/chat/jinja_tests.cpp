// Tests: what can stand behind `is` (pallets/jinja, src/jinja2/tests.py).
#include <algorithm>

#include "chat/jinja_arguments.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_filters.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

template <Type type>
Value is_type(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is(type));
}

Value defined(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(!self.is(Type::undefined));
}

Value number(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is_number());
}

template <bool wanted>
Value is_bool(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is(Type::boolean) && self.truth_bit() == wanted);
}

// len() and [] work; so undefined is a sequence, and a dict too.
Value sequence(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is(Type::string) || self.is_sequence() || self.is(Type::dict) ||
                        self.is(Type::range) || self.is(Type::undefined));
}

Value iterable(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is(Type::string) || self.is_sequence() || self.is(Type::dict) ||
                        self.is(Type::range) || self.is(Type::undefined) || self.is(Type::view) ||
                        self.is(Type::iterator) || self.is(Type::loop));
}

Value can_call(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is(Type::macro) || self.is(Type::function) || self.is(Type::method) ||
                        self.is(Type::joiner) || self.is(Type::loop) || self.is(Type::undefined));
}

bool is_zero(Interpreter& with, const Value& self, const Value& divisor) {
  return equal(with.meter, arithmetic(with, BinaryOp::modulo, self, divisor), Value::integer(0));
}

Value even(Interpreter& with, const Value& self, Arguments&) {
  return Value::boolean(is_zero(with, self, Value::integer(2)));
}

Value odd(Interpreter& with, const Value& self, Arguments&) {
  return Value::boolean(equal(
      with.meter, arithmetic(with, BinaryOp::modulo, self, Value::integer(2)), Value::integer(1)));
}

Value divisible(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(is_zero(with, self, arguments[0]));
}

// All cased letters are of the one kind, and there are some.
template <bool upper>
Value is_case(Interpreter& with, const Value& self, Arguments&) {
  const std::string value = to_text(with, self);
  with.meter.scan(value);
  bool found = false;
  for (std::size_t at = 0; at < value.size();) {
    const Rune rune = decode_rune(value, at);
    if (is_title(rune.value) || (upper ? is_lower(rune.value) : is_upper(rune.value)))
      return Value::boolean(false);
    found |= upper ? is_upper(rune.value) : is_lower(rune.value);
    at += rune.size;
  }
  return Value::boolean(found);
}

// `is` of Python: the same object. Small values of the same type and value count as one.
Value same_as(Interpreter& with, const Value& self, Arguments& arguments) {
  const Value& other = arguments[0];
  if (self.type() != other.type()) return Value::boolean(false);
  if (self.is_number() || self.is(Type::none) || self.is(Type::string))
    return Value::boolean(equal(with.meter, self, other));
  return Value::boolean(self.identity() == other.identity());
}

Value escaped_test(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(self.is_markup());
}

Value in(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(with.contains(arguments[0], self));
}

Value is_filter(Interpreter& with, const Value& self, Arguments&) {
  require_hashable(with.meter, self);
  return Value::boolean(self.is(Type::string) && find_filter(self.text()) != nullptr);
}

Value is_test(Interpreter& with, const Value& self, Arguments&) {
  require_hashable(with.meter, self);
  return Value::boolean(self.is(Type::string) && find_test(self.text()) != nullptr);
}

Value equals(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(equal(with.meter, self, arguments[0]));
}
Value differs(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(!equal(with.meter, self, arguments[0]));
}
Value less(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(compare(with.meter, self, arguments[0], "<") < 0);
}
Value less_equal(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(compare(with.meter, self, arguments[0], "<=") <= 0);
}
Value greater(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(compare(with.meter, self, arguments[0], ">") > 0);
}
Value greater_equal(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(compare(with.meter, self, arguments[0], ">=") >= 0);
}

constexpr Builtin kTests[] = {
    {"defined", defined},
    {"undefined", is_type<Type::undefined>},
    {"none", is_type<Type::none>},
    {"string", is_type<Type::string>},
    {"mapping", is_type<Type::dict>},
    {"boolean", is_type<Type::boolean>},
    {"integer", is_type<Type::integer>},
    {"float", is_type<Type::real>},
    {"number", number},
    {"true", is_bool<true>},
    {"false", is_bool<false>},
    {"sequence", sequence},
    {"iterable", iterable},
    {"callable", can_call},
    {"even", even},
    {"odd", odd},
    {"divisibleby", divisible, "num", 1},
    {"lower", is_case<false>},
    {"upper", is_case<true>},
    {"sameas", same_as, "other", 1},
    {"escaped", escaped_test},
    {"in", in, "seq", 1},
    {"filter", is_filter},
    {"test", is_test},
    {"equalto", equals, "other", 1},
    {"eq", equals, "other", 1},
    {"==", equals, "other", 1},
    {"ne", differs, "other", 1},
    {"!=", differs, "other", 1},
    {"lt", less, "other", 1},
    {"lessthan", less, "other", 1},
    {"<", less, "other", 1},
    {"le", less_equal, "other", 1},
    {"<=", less_equal, "other", 1},
    {"gt", greater, "other", 1},
    {"greaterthan", greater, "other", 1},
    {">", greater, "other", 1},
    {"ge", greater_equal, "other", 1},
    {">=", greater_equal, "other", 1},
};

}  // namespace

const Builtin* find_test(std::string_view name) { return find_in(kTests, name); }

}  // namespace bantam::chat::jinja
