// Filters that make numbers: int, float, round, abs, sum, min, max.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "chat/jinja_arguments.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_filters.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

namespace {

// The number without its underscores, each of which must stand between digits. False if one does
// not.
bool drop_underscores(std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const auto is_digit_at = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
    };
    if (i == 0 || !is_digit_at(i - 1) || !is_digit_at(i + 1)) return false;
  }
  std::erase(text, '_');
  return true;
}

// float() of a string; false where Python raises ValueError.
bool parse_real(std::string_view given, double* out) {
  std::string text(strip(given, true, true));
  if (!drop_underscores(text)) return false;
  const char* first = text.data();
  const char* last = first + text.size();
  const bool negative = first < last && *first == '-';
  if (first < last && (*first == '+' || *first == '-')) ++first;
  if (first == last || *first == '-') return false;
  const std::string name =
      to_lower(std::string_view(first, static_cast<std::size_t>(last - first)));
  if (name == "inf" || name == "infinity" || name == "nan") {
    *out = name == "nan" ? std::nan("") : HUGE_VAL;
  } else {
    if (!is_digit_char(*first) && *first != '.') return false;
    const auto result = std::from_chars(first, last, *out);
    if (result.ptr != last || result.ec == std::errc::invalid_argument) return false;
    // Too large or too small for a double: strtod says which, the text is checked already.
    if (result.ec == std::errc::result_out_of_range) *out = std::strtod(first, nullptr);
  }
  if (negative) *out = -*out;
  return true;
}

// int() of a string; false where Python raises ValueError.
bool parse_whole(std::string_view given, int base, std::int64_t* out) {
  std::string text(strip(given, true, true));
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  const char mark = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 32) : ' ';
  const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked && (base == marked || base == 0)) {
    text.erase(0, text.size() > 2 && text[2] == '_' ? 3 : 2);
    base = marked;
  }
  if (base == 0) base = 10;
  if (text.empty() || !drop_underscores(text) || text[0] == '-') return false;
  if (negative) text.insert(0, "-");
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  if (result.ec == std::errc::result_out_of_range) throw Error("the integer does not fit 64 bits");
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

std::int64_t truncated(double value) {
  if (!(value > -9223372036854775809.0 && value < 9223372036854775808.0))
    throw Error("the integer does not fit 64 bits");
  return static_cast<std::int64_t>(value);
}

Value to_int(Interpreter&, const Value& self, Arguments& arguments) {
  const Value otherwise = arguments.has(0) ? arguments[0] : Value::integer(0);
  require_defined(self);  // Jinja2's Undefined raises here too
  if (self.is_whole()) return Value::integer(self.integer());
  double real = 0;
  if (self.is(Type::string)) {
    const std::int64_t base = whole(arguments, 1, 10);
    std::int64_t out = 0;
    if (base >= 0 && base <= 36 && base != 1 &&
        parse_whole(self.text(), static_cast<int>(base), &out))
      return Value::integer(out);
    if (!parse_real(self.text(), &real)) return otherwise;
  } else if (self.is(Type::real)) {
    real = self.real();
  } else {
    return otherwise;
  }
  if (std::isinf(real)) throw Error("cannot convert float infinity to integer");
  return std::isfinite(real) ? Value::integer(truncated(real)) : otherwise;
}

Value to_float(Interpreter&, const Value& self, Arguments& arguments) {
  require_defined(self);
  double out = 0;
  if (self.is_number()) return Value::real(self.real());
  if (self.is(Type::string) && parse_real(self.text(), &out)) return Value::real(out);
  return arguments.has(0) ? arguments[0] : Value::real(0);
}

Value absolute(Interpreter&, const Value& self, Arguments&) {
  if (self.is(Type::real)) return Value::real(std::fabs(self.real()));
  require_defined(self);
  if (!self.is_whole())
    throw Error("'abs' needs a number, not a value of type '" + type_name(self) + "'");
  return self.integer() < 0 ? negative(self) : Value::integer(self.integer());
}

// Python's round(): to even when the exact binary value lies in the middle.
double rounded(double value, std::int64_t digits) {
  if (!std::isfinite(value) || digits > 330) return value;
  if (digits < -310) return std::copysign(0.0, value);
  if (digits < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  char buffer[720];
  std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(digits), value);
  return std::strtod(buffer, nullptr);
}

std::int64_t rounded(std::int64_t value, std::int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -18) return 0;
  std::int64_t unit = 1;
  for (std::int64_t i = digits; i < 0; ++i) unit *= 10;
  std::int64_t rest = value % unit, out = value - rest;
  const std::int64_t twice = std::abs(rest) - (unit - std::abs(rest));
  if (twice > 0 || (twice == 0 && (out / unit) % 2 != 0))
    if (__builtin_add_overflow(out, rest < 0 ? -unit : unit, &out))
      throw Error("the integer does not fit 64 bits");
  return out;
}

Value round_filter(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t digits = whole(arguments, 0, 0);
  const std::string method = arguments.has(1) ? text(arguments[1]) : "common";
  require_defined(self);
  if (!self.is_number())
    throw Error("'round' needs a number, not a value of type '" + type_name(self) + "'");
  if (method == "common")
    return self.is(Type::real) ? Value::real(rounded(self.real(), digits))
                               : Value::integer(rounded(self.integer(), digits));
  if (method != "ceil" && method != "floor")
    throw Error("the method of 'round' must be common, ceil or floor");
  const Value unit = arithmetic(with, BinaryOp::power, Value::integer(10), Value::integer(digits));
  const double scaled = arithmetic(with, BinaryOp::multiply, self, unit).real();
  const double whole_part = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return Value::real(whole_part / unit.real());
}

Value sum(Interpreter& with, const Value& self, Arguments& arguments) {
  Value out = arguments.has(1) ? arguments[1] : Value::integer(0);
  if (out.is(Type::string)) throw Error("'sum' cannot add strings; use 'join'");
  const AttributePath path(is_given(arguments, 0) ? arguments[0] : Value::none());
  for (const Value& item : with.to_values(self))
    out = arithmetic(with, BinaryOp::add, out, path(with, item));
  return out;
}

template <int sign>
Value extreme(Interpreter& with, const Value& self, Arguments& arguments) {
  const bool case_sensitive = flag(arguments, 0);
  const AttributePath path(is_given(arguments, 1) ? arguments[1] : Value::none());
  Value best, best_key;
  for (const Value& item : with.to_values(self)) {
    Value key = path(with, item);
    if (!case_sensitive) key = ignore_case(with, key);
    if (!best.is(Type::unset) &&
        compare(with.meter, key, best_key, sign < 0 ? "<" : ">") * sign <= 0)
      continue;
    best = item;
    best_key = std::move(key);
  }
  return best.is(Type::unset) ? with.undefined("there is no item, as the sequence was empty")
                              : best;
}

constexpr Builtin kNumberFilters[] = {
    {"int", to_int, "default base"},
    {"float", to_float, "default"},
    {"round", round_filter, "precision method"},
    {"abs", absolute},
    {"sum", sum, "attribute start"},
    {"min", extreme<-1>, "case_sensitive attribute"},
    {"max", extreme<1>, "case_sensitive attribute"},
};

}  // namespace

double to_real(const Value& value) {
  double out = 0;
  require_defined(value);
  if (value.is_number()) return value.real();
  if (value.is(Type::string) && parse_real(value.text(), &out)) return out;
  throw Error("a number was expected, not a value of type '" + type_name(value) + "'");
}

const Builtin* find_number_filter(std::string_view name) { return find_in(kNumberFilters, name); }

}  // namespace bantam::chat::jinja
