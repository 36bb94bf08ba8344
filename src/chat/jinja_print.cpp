// Python's str() and repr().
#include "chat/jinja_print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  // Scientific first, for the digits and the exponent: d.ddde[+-]xx
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(end.ptr - buffer));
  const std::size_t mark = text.find('e');
  int exponent = 0;
  const bool minus = text[mark + 1] == '-';
  std::from_chars(buffer + mark + 2, end.ptr, exponent);
  if (minus) exponent = -exponent;
  // CPython's float_repr_style: a point where the exponent is in [-4, 16).
  if (exponent < -4 || exponent >= 16) return std::string(text);
  std::string digits(text.substr(0, mark));
  const bool negative = digits[0] == '-';
  if (negative) digits.erase(0, 1);
  if (digits.size() > 1) digits.erase(1, 1);
  if (exponent < 0) {
    digits.insert(0, static_cast<std::size_t>(-exponent), '0');
    digits.insert(1, ".");
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole)
      digits.append(whole - digits.size(), '0').append(".0");
    else
      digits.insert(whole, ".");
  }
  return (negative ? "-" : "") + digits;
}

std::string repr_text(std::string_view text) {
  const bool doubles =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubles ? '"' : '\'';
  std::string out(1, quote);
  char buffer[16];
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    const auto c = static_cast<unsigned>(rune.value);
    if (c == static_cast<unsigned char>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (is_printable(rune.value)) {
      out += text.substr(at, rune.size);
    } else {
      std::snprintf(buffer, sizeof buffer,
                    c < 0x100     ? "\\x%02x"
                    : c < 0x10000 ? "\\u%04x"
                                  : "\\U%08x",
                    c);
      out += buffer;
    }
    at += rune.size;
  }
  return out + quote;
}

namespace {

// Containers nest at most kMaxNesting deep, but namespaces hold each other without bound.
constexpr int kMaxPrinted = kMaxNesting + 20;

class Printer {
 public:
  explicit Printer(Interpreter& with) : with_(with), out_(with.meter) {}

  std::string take() { return out_.take(); }

  void print(const Value& value, int depth) {
    with_.meter.step();
    if (depth > kMaxPrinted) throw Error("the value is nested too deep to be printed");
    switch (value.type()) {
      case Type::none:
        return out_.append("None");
      case Type::boolean:
        return out_.append(value.truth_bit() ? "True" : "False");
      case Type::integer:
        return out_.append(std::to_string(value.integer()));
      case Type::real:
        return out_.append(real_text(value.real()));
      case Type::string:
        if (value.is_markup()) return out_.append("Markup(" + repr_text(value.text()) + ")");
        return out_.append(repr_text(value.text()));
      case Type::list:
        return items("[", value.items(), "]", depth);
      case Type::tuple:
        return items("(", value.items(), value.items().size() == 1 ? ",)" : ")", depth);
      case Type::dict:
        return entries(value.dict(), depth);
      case Type::range:
        return range(value.as<Range>());
      case Type::view:
        return view(value, depth);
      case Type::name_space:
        return name_space(value.as<Namespace>(), depth);
      case Type::loop:
        return out_.append("<LoopContext " + index(value, "index") + "/" + index(value, "length") +
                           ">");
      case Type::macro: {
        const std::string& name = value.as<Macro>().function->name;
        return out_.append("<Macro " + (name.empty() ? "anonymous" : repr_text(name)) + ">");
      }
      case Type::unset:
      case Type::undefined:
        return out_.append("Undefined");
      default:
        return out_.append("<" + type_name(value) + " object>");
    }
  }

 private:
  std::string index(const Value& loop, const char* name) {
    return std::to_string(with_.loop_attribute(loop.as<Loop>(), name).integer());
  }

  void items(std::string_view open, const Values& values, std::string_view close, int depth) {
    out_.append(open);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i) out_.append(", ");
      print(values[i], depth + 1);
    }
    out_.append(close);
  }

  void entries(const Dict& dict, int depth) {
    out_.append("{");
    for (std::size_t i = 0; i < dict.entries.size(); ++i) {
      if (i) out_.append(", ");
      print(dict.entries[i].first, depth + 1);
      out_.append(": ");
      print(dict.entries[i].second, depth + 1);
    }
    out_.append("}");
  }

  // The one value that can hold itself.
  void name_space(const Namespace& space, int depth) {
    out_.append("<Namespace ");
    if (std::find(open_.begin(), open_.end(), &space) != open_.end()) {
      out_.append("{...}");
    } else {
      open_.push_back(&space);
      entries(space.attributes, depth);
      open_.pop_back();
    }
    out_.append(">");
  }

  void range(const Range& range) {
    out_.append("range(" + std::to_string(range.start) + ", " + std::to_string(range.stop));
    if (range.step != 1) out_.append(", " + std::to_string(range.step));
    out_.append(")");
  }

  void view(const Value& value, int depth) {
    out_.append(type_name(value) + "(");
    items("[", with_.to_values(value), "]", depth);
    out_.append(")");
  }

  Interpreter& with_;
  Sink out_;
  std::vector<const Namespace*> open_;
};

}  // namespace

std::string repr(Interpreter& with, const Value& value) {
  Printer printer(with);
  printer.print(value, 0);
  return printer.take();
}

std::string to_text(Interpreter& with, const Value& value) {
  if (value.is(Type::string)) return value.text();
  if (value.is(Type::undefined) || value.is(Type::unset)) return {};
  return repr(with, value);
}

}  // namespace bantam::chat::jinja
