// str.format(): "{} {name} {0.a[b]!r:>10}".
#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_format.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::int64_t to_number(std::string_view digits) {
  std::int64_t number = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (result.ec != std::errc()) throw Error("a number in the format is too large");
  return number;
}

FormatSpec parse_spec(std::string_view text, const Value& value) {
  FormatSpec spec;
  const auto is_align = [](std::string_view at) {
    return !at.empty() && std::string_view("<>=^").find(at[0]) != std::string_view::npos;
  };
  if (!text.empty()) {
    const Rune first = decode_rune(text, 0);
    if (is_align(text.substr(first.size))) {
      spec.fill = text.substr(0, first.size);
      text.remove_prefix(first.size);
    }
  }
  const auto take = [&](std::string_view any) -> char {
    if (text.empty() || any.find(text[0]) == std::string_view::npos) return 0;
    const char c = text[0];
    text.remove_prefix(1);
    return c;
  };
  spec.align = take("<>=^");
  if (const char sign = take("+- ")) spec.sign = sign;
  spec.alternate = take("#") != 0;
  if (!text.empty() && text[0] == '0') {
    if (!spec.align && value.is_number()) spec.align = '=';
    if (spec.fill == " ") spec.fill = "0";
  }
  const auto digits = [&] {
    std::size_t end = 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    const std::string_view out = text.substr(0, end);
    text.remove_prefix(end);
    return out;
  };
  if (const std::string_view width = digits(); !width.empty()) spec.width = to_number(width);
  spec.grouping = take(",_");
  if (take(".")) {
    const std::string_view precision = digits();
    if (precision.empty()) throw Error("the format lacks its precision");
    spec.precision = static_cast<int>(std::min<std::int64_t>(to_number(precision), 1 << 24));
  }
  spec.type = take("bcdeEfFgGnosxX%");
  if (!text.empty()) throw Error("the format '" + printable(text) + "' is not understood");
  return spec;
}

class BraceFormat {
 public:
  BraceFormat(Interpreter& with, const Arguments& arguments) : with_(with), arguments_(arguments) {}

  // Fields nest two deep: a field inside the specification of another one.
  std::string run(std::string_view text, int depth, bool markup) {
    if (depth > 2) throw Error("the format nests too deep");
    Sink out(with_.meter);
    while (!text.empty()) {
      const std::size_t at = std::min(text.find_first_of("{}"), text.size());
      out.append(text.substr(0, at));
      text.remove_prefix(at);
      if (text.empty()) break;
      if (text.size() > 1 && text[1] == text[0]) {
        out.append(text[0]);
        text.remove_prefix(2);
        continue;
      }
      if (text[0] == '}') throw Error("a single '}' stands in the format");
      out.append(field(take_field(text), depth, markup));
    }
    return out.take();
  }

 private:
  // What stands between a brace and the one that closes it.
  static std::string_view take_field(std::string_view& text) {
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      if (open > 0) continue;
      const std::string_view out = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return out;
    }
    throw Error("a '{' of the format is not closed");
  }

  std::string field(std::string_view text, int depth, bool markup) {
    std::size_t end = 0;
    for (bool in_item = false; end < text.size(); ++end) {
      if (text[end] == '[') in_item = true;
      if (text[end] == ']') in_item = false;
      if (!in_item && (text[end] == '!' || text[end] == ':')) break;
    }
    Value value = look_up(text.substr(0, end));
    text.remove_prefix(end);
    char conversion = 0;
    if (!text.empty() && text[0] == '!') {
      if (text.size() < 2 || (text.size() > 2 && text[2] != ':'))
        throw Error("the conversion of the format is not understood");
      conversion = text[1];
      text.remove_prefix(2);
    }
    const std::string spec = text.empty() ? std::string() : run(text.substr(1), depth + 1, false);
    if (conversion == 'r' || conversion == 'a')
      value = with_.string(repr(with_, value));
    else if (conversion == 's')
      value = with_.string(to_text(with_, value));
    else if (conversion)
      throw Error("the conversion of the format is not understood");
    std::string out = format_value(with_, value, spec);
    return markup && !value.is_markup() ? escaped(with_, with_.string(std::move(out))) : out;
  }

  Value look_up(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = argument(path.substr(0, end));
    path.remove_prefix(end);
    while (!path.empty()) {
      if (path[0] == '.') {
        const std::size_t stop = std::min(path.find_first_of(".[", 1), path.size());
        value = with_.attribute(value, std::string(path.substr(1, stop - 1)));
        path.remove_prefix(stop);
      } else if (path[0] == '[') {
        const std::size_t stop = path.find(']');
        if (stop == std::string_view::npos) throw Error("a '[' of the format is not closed");
        const std::string_view key = path.substr(1, stop - 1);
        value = with_.item(value, all_digits(key) ? Value::integer(to_number(key))
                                                  : with_.string(std::string(key)));
        path.remove_prefix(stop + 1);
      } else {
        throw Error("only '.' or '[' can follow ']' in the format");
      }
    }
    return value;
  }

  Value argument(std::string_view name) {
    if (!name.empty() && !all_digits(name)) {
      for (const auto& [key, value] : arguments_.named)
        if (key == name) return value;
      throw Error("the format's '" + printable(name) + "' is not among the arguments");
    }
    const std::int64_t index =
        name.empty() ? static_cast<std::int64_t>(automatic_++) : to_number(name);
    if (static_cast<std::uint64_t>(index) >= arguments_.positional.size())
      throw Error("the format has more fields than there are arguments");
    return arguments_.positional[static_cast<std::size_t>(index)];
  }

  Interpreter& with_;
  const Arguments& arguments_;
  std::size_t automatic_ = 0;
};

}  // namespace

std::string format_value(Interpreter& with, const Value& value, std::string_view text) {
  if (text.empty()) return to_text(with, value);
  FormatSpec spec = parse_spec(text, value);
  if (value.is_number() && !(value.is(Type::boolean) && spec.type == 0)) {
    if (spec.type != 'c') return format_number(with, value, spec);
    std::string c;
    append_utf8(c, static_cast<char32_t>(value.integer()));
    return padded(with, c, spec, true);
  }
  if (value.is(Type::boolean)) return format_number(with, Value::integer(value.integer()), spec);
  if (!value.is(Type::string))
    throw Error("a value of type '" + type_name(value) + "' takes no format");
  if ((spec.type && spec.type != 's') || spec.align == '=' || spec.sign != '-')
    throw Error("the format does not suit a string");
  std::string_view content = value.text();
  if (spec.precision >= 0) content = rune_slice(value, 0, static_cast<std::size_t>(spec.precision));
  return padded(with, content, spec, false);
}

Value brace_format(Interpreter& with, const Value& text, const Arguments& arguments) {
  return with.string(BraceFormat(with, arguments).run(text.text(), 1, text.is_markup()),
                     text.is_markup());
}

}  // namespace bantam::chat::jinja
