// Numbers and padding of format specifications (the "Format Specification Mini-Language" of
// Python).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "chat/jinja_format.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

namespace {

// The digits of a double of any size, with at most kMaxPrecision behind the point, fit here.
constexpr int kMaxPrecision = 350;
constexpr std::size_t kDigits = 1024;

[[noreturn]] void bad_type(char type, const Value& value) {
  throw Error(std::string("the format code '") + type + "' does not suit a value of type '" +
              type_name(value) + "'");
}

std::string with_separators(std::string digits, char separator, std::size_t every) {
  for (std::size_t at = digits.size(); at > every;) {
    at -= every;
    digits.insert(at, 1, separator);
  }
  return digits;
}

std::string whole_digits(std::uint64_t value, int base, bool upper) {
  char buffer[70];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base);
  std::string out(buffer, end.ptr);
  if (upper)
    for (char& c : out) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

std::string printed(double value, int precision, char type, bool alternate) {
  char buffer[kDigits];
  const char pattern[] = {'%',
                          alternate ? '#' : '.',
                          alternate ? '.' : '*',
                          alternate ? '*' : type,
                          alternate ? type : '\0',
                          '\0'};
  const int size = std::snprintf(buffer, sizeof buffer, pattern, precision, value);
  return std::string(buffer, static_cast<std::size_t>(std::max(size, 0)));
}

// Without a type, a float is printed as str() does, or like 'g' with a digit behind the point.
std::string untyped_real(double value, const FormatSpec& spec) {
  if (spec.precision < 0) return real_text(value);
  const int precision = std::max(spec.precision, 1);
  std::string out = printed(value, precision, 'g', spec.alternate);
  if (out.find_first_of(".e") != std::string::npos) return out;
  if (static_cast<int>(out.size()) < precision) return out + ".0";
  // A whole number that needs all the digits is given an exponent, which 'g' does one digit later.
  out = printed(value, precision - 1, 'e', false);
  const std::size_t mark = out.find('e');
  std::size_t end = mark;
  while (out.find('.') < end && out[end - 1] == '0') --end;
  if (out[end - 1] == '.') --end;
  return out.erase(end, mark - end);
}

std::string real_digits(double value, const FormatSpec& spec) {
  if (!std::isfinite(value)) {
    std::string name = std::isnan(value) ? "nan" : "inf";
    if (spec.type == 'F' || spec.type == 'E' || spec.type == 'G') name = to_upper(name);
    return name + (spec.type == '%' ? "%" : "");
  }
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  switch (spec.type) {
    case 0:
      return untyped_real(value, spec);
    case '%':
      return printed(value * 100, precision, 'f', spec.alternate) + "%";
    case 'n':
      return printed(value, precision, 'g', spec.alternate);
    default:
      return printed(value, precision, spec.type, spec.alternate);
  }
}

// Puts the sign before and the grouping into the digits, and pads; zeros go behind the sign.
std::string finish(Interpreter& with, bool negative, std::string prefix, std::string digits,
                   const FormatSpec& spec, std::size_t every) {
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  prefix = sign + prefix;
  std::size_t whole = digits.find_first_not_of("0123456789abcdefABCDEF");
  if (every == 3) whole = digits.find_first_not_of("0123456789");
  whole = std::min(whole, digits.size());
  const std::string rest = digits.substr(whole);
  digits.resize(whole);
  if (spec.grouping && spec.align == '=' && spec.fill == "0" && whole > 0) {
    // The zeros that fill are grouped too.
    const auto taken = static_cast<std::int64_t>(prefix.size() + rest.size());
    while (static_cast<std::int64_t>(with_separators(digits, spec.grouping, every).size()) + taken <
               spec.width &&
           digits.size() < kDigits)
      digits.insert(0, 1, '0');
  }
  if (spec.grouping) digits = with_separators(digits, spec.grouping, every);
  digits += rest;
  if (spec.align != '=') return padded(with, prefix + digits, spec, true);
  Sink out(with.meter);
  out.append(prefix);
  out.repeat(spec.fill, spec.width - static_cast<std::int64_t>(prefix.size() + digits.size()));
  out.append(digits);
  return out.take();
}

std::string format_whole(Interpreter& with, const Value& value, const FormatSpec& spec) {
  const std::int64_t number = value.integer();
  const bool negative = number < 0;
  const std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  const auto in_base = [&](int base, const char* prefix) {
    std::string digits = whole_digits(size, base, spec.type == 'X');
    return finish(with, negative, spec.alternate ? prefix : "", std::move(digits), spec,
                  base == 10 ? 3 : 4);
  };
  switch (spec.type) {
    case 0:
    case 'd':
    case 'n':
      return in_base(10, "");
    case 'b':
      return in_base(2, "0b");
    case 'o':
      return in_base(8, "0o");
    case 'x':
      return in_base(16, "0x");
    case 'X':
      return in_base(16, "0X");
    default:
      bad_type(spec.type, value);
  }
}

}  // namespace

std::string format_number(Interpreter& with, const Value& value, const FormatSpec& spec) {
  if (spec.precision > kMaxPrecision)
    throw Error("a precision of more than " + std::to_string(kMaxPrecision) + " is not supported");
  static constexpr std::string_view kRealTypes = "eEfFgG%";
  const bool wants_real = kRealTypes.find(spec.type) != std::string_view::npos && spec.type != 0;
  if (value.is_whole() && !wants_real) {
    if (spec.precision >= 0) throw Error("a precision does not suit an integer");
    return format_whole(with, value, spec);
  }
  if (!value.is_number() || (!wants_real && spec.type != 0 && spec.type != 'n'))
    bad_type(spec.type, value);
  const double number = value.real();
  return finish(with, std::signbit(number) && !std::isnan(number), "",
                real_digits(std::fabs(number), spec), spec, 3);
}

std::string padded(Interpreter& with, std::string_view text, const FormatSpec& spec, bool numeric) {
  const auto size = static_cast<std::int64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  const std::int64_t missing = std::max<std::int64_t>(spec.width - size, 0);
  const char align = spec.align ? spec.align : numeric ? '>' : '<';
  const std::int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  Sink out(with.meter);
  out.repeat(spec.fill, left);
  out.append(text);
  out.repeat(spec.fill, missing - left);
  return out.take();
}

}  // namespace bantam::chat::jinja
