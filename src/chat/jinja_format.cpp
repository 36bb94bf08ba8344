// "%" and "{}" formatting; see jinja_format.h.
#include "chat/jinja_format.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

// A number at the start of `text`, which it is taken from; `otherwise` when there is none.
std::int64_t leading_number(std::string_view& text, std::int64_t otherwise) {
  std::int64_t number = otherwise;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || !is_digit_char(text[0])) return otherwise;
  if (result.ec != std::errc()) throw Error("a number in the format is too large");
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return number;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

int precision_of(std::int64_t number) {
  return static_cast<int>(std::min<std::int64_t>(number, 1 << 24));
}

std::string ascii_only(std::string_view text) {
  std::string out;
  char buffer[16];
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    const auto c = static_cast<unsigned>(rune.value);
    std::snprintf(buffer, sizeof buffer,
                  c < 0x100     ? "\\x%02x"
                  : c < 0x10000 ? "\\u%04x"
                                : "\\U%08x",
                  c);
    out += c < 0x80 ? std::string(1, static_cast<char>(c)) : buffer;
    at += rune.size;
  }
  return out;
}

std::string first_runes(std::string_view text, int count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) at += decode_rune(text, at).size;
  return std::string(text.substr(0, at));
}

// --- percent

class PercentFormat {
 public:
  PercentFormat(Interpreter& with, const Value& text, const Value& right)
      : with_(with), text_(text), right_(right), out_(with.meter) {}

  Value run() {
    std::string_view rest = text_.text();
    while (!rest.empty()) {
      const std::size_t at = std::min(rest.find('%'), rest.size());
      out_.append(rest.substr(0, at));
      rest.remove_prefix(at);
      if (!rest.empty()) conversion(rest);
    }
    const bool walks = right_.is(Type::tuple);
    if (!used_mapping_ && !right_.is(Type::dict) &&
        next_ < (walks ? right_.items().size() : std::size_t{1}) && !(right_.is(Type::list)))
      throw Error("not all arguments were used by the format");
    return with_.string(out_.take(), text_.is_markup());
  }

 private:
  const Value& next_value() {
    if (right_.is(Type::tuple)) {
      if (next_ >= right_.items().size())
        throw Error("there are not enough arguments for the format");
      return right_.items()[next_++];
    }
    if (next_++ > 0) throw Error("there are not enough arguments for the format");
    return right_;
  }

  Value mapped(std::string_view& rest) {
    int depth = 1;
    std::size_t end = 0;
    for (; end < rest.size() && depth > 0; ++end)
      depth += rest[end] == '(' ? 1 : rest[end] == ')' ? -1 : 0;
    if (depth > 0) throw Error("the name in the format is not closed");
    const std::string name(rest.substr(0, end - 1));
    rest.remove_prefix(end);
    if (!right_.is(Type::dict)) throw Error("the format needs a dict");
    used_mapping_ = true;
    const Value* value = right_.dict().find(name);
    if (!value) throw Error("the format's '" + printable(name) + "' is not in the dict");
    return *value;
  }

  std::int64_t number(std::string_view& rest, std::int64_t otherwise) {
    if (!take_char(rest, '*')) return leading_number(rest, otherwise);
    const Value& value = next_value();
    if (!value.is_whole()) throw Error("* in the format needs an integer");
    return value.integer();
  }

  void conversion(std::string_view& rest) {
    take_char(rest, '%');
    FormatSpec spec;
    Value value;
    if (take_char(rest, '(')) value = mapped(rest);
    bool zeros = false;
    for (bool flag = true; flag && !rest.empty();) {
      switch (rest[0]) {
        case '-':
          spec.align = '<';
          break;
        case '+':
          spec.sign = '+';
          break;
        case ' ':
          spec.sign = spec.sign == '+' ? '+' : ' ';
          break;
        case '#':
          spec.alternate = true;
          break;
        case '0':
          zeros = true;
          break;
        default:
          flag = false;
      }
      if (flag) rest.remove_prefix(1);
    }
    spec.width = number(rest, 0);
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = -std::max(spec.width, -INT64_MAX);
    }
    if (take_char(rest, '.'))
      spec.precision = precision_of(std::max<std::int64_t>(number(rest, 0), 0));
    while (!rest.empty() && (rest[0] == 'h' || rest[0] == 'l' || rest[0] == 'L'))
      rest.remove_prefix(1);
    if (rest.empty()) throw Error("the format is incomplete");
    const char type = rest[0];
    rest.remove_prefix(1);
    if (type == '%') return out_.append('%');
    if (value.is(Type::unset)) value = next_value();
    out_.append(converted(value, type, zeros, spec));
  }

  std::string converted(const Value& value, char type, bool zeros, FormatSpec& spec) {
    if (type == 's' || type == 'r' || type == 'a') {
      std::string text = type == 's'
                             ? text_.is_markup() ? escaped(with_, value) : to_text(with_, value)
                             : repr(with_, value);
      if (type == 'a') text = ascii_only(text);
      if (spec.precision >= 0) text = first_runes(text, spec.precision);
      return padded(with_, text, spec, true);
    }
    if (type == 'c') return padded(with_, character(value), spec, true);
    require_defined(value);
    static constexpr std::string_view kWhole = "diuxXo", kReal = "eEfFgG";
    const bool whole = kWhole.find(type) != std::string_view::npos;
    if (!whole && kReal.find(type) == std::string_view::npos)
      throw Error("unknown format code '%" + printable(std::string(1, type)) + "'");
    if (!value.is_number())
      throw Error(std::string("%") + type + " needs a number, not '" + type_name(value) + "'");
    if (zeros && spec.align != '<') {
      spec.fill = "0";
      spec.align = '=';
    }
    spec.type = type == 'i' || type == 'u' ? 'd' : type;
    if (!whole) return format_number(with_, value, spec);
    return integer(value, spec);
  }

  std::string integer(const Value& value, FormatSpec& spec) {
    Value number = value;
    if (value.is(Type::real)) {
      if (spec.type != 'd') throw Error(std::string("%") + spec.type + " needs an integer");
      if (!(value.real() > -9.2e18 && value.real() < 9.2e18))
        throw Error("the number does not fit 64 bits");
      number = Value::integer(static_cast<std::int64_t>(value.real()));
    }
    if (spec.precision < 0) return format_number(with_, number, spec);
    FormatSpec digits;  // at least so many digits, then the padding
    digits.type = spec.type;
    digits.alternate = spec.alternate;
    digits.sign = spec.sign;
    digits.fill = "0";
    digits.align = '=';
    digits.width = std::exchange(spec.precision, -1) +
                   (number.integer() < 0 || spec.sign != '-' ? 1 : 0) +
                   (spec.alternate && spec.type != 'd' ? 2 : 0);
    return padded(with_, format_number(with_, number, digits), spec, true);
  }

  std::string character(const Value& value) {
    if (value.is(Type::string) && count_runes(value) == 1) return value.text();
    if (!value.is_whole() || value.integer() < 0 || value.integer() > 0x10FFFF)
      throw Error("%c needs a character or its number");
    std::string out;
    append_utf8(out, static_cast<char32_t>(value.integer()));
    return out;
  }

  Interpreter& with_;
  const Value& text_;
  const Value& right_;
  Sink out_;
  std::size_t next_ = 0;
  bool used_mapping_ = false;
};

}  // namespace

Value percent_format(Interpreter& with, const Value& text, const Value& right) {
  return PercentFormat(with, text, right).run();
}

}  // namespace bantam::chat::jinja
