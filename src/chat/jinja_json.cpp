// json.dumps() as Hugging Face Transformers calls it for the filter tojson.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

class JsonWriter {
 public:
  JsonWriter(Interpreter& with, const JsonStyle& style)
      : with_(with), style_(style), out_(with.meter) {}

  std::string take() { return out_.take(); }

  void write(const Value& value, int depth) {
    with_.meter.step();
    switch (value.type()) {
      case Type::string:
        return text(value.text());
      case Type::list:
      case Type::tuple:
        return list(value.items(), depth);
      case Type::dict:
        return dict(value.dict(), depth);
      default:
        out_.append(scalar(value));
    }
  }

 private:
  static std::string scalar(const Value& value) {
    switch (value.type()) {
      case Type::none:
        return "null";
      case Type::boolean:
        return value.truth_bit() ? "true" : "false";
      case Type::integer:
        return std::to_string(value.integer());
      case Type::real:
        if (std::isnan(value.real())) return "NaN";
        if (std::isinf(value.real())) return value.real() < 0 ? "-Infinity" : "Infinity";
        return real_text(value.real());
      default:
        throw Error("a value of type '" + type_name(value) + "' has no JSON form");
    }
  }

  void escape(char32_t c) {
    char buffer[16];
    if (c > 0xFFFF) {
      const char32_t low = c - 0x10000;
      escape(0xD800 + (low >> 10));
      c = 0xDC00 + (low & 0x3FF);
    }
    std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
    out_.append(buffer);
  }

  void text(std::string_view text) {
    static constexpr std::string_view kFrom = "\"\\\n\r\t\f\b", kTo = "\"\\nrtfb";
    out_.append('"');
    std::size_t plain = 0;  // what is copied as it is starts here
    for (std::size_t at = 0; at < text.size();) {
      const auto c = static_cast<unsigned char>(text[at]);
      const std::size_t known =
          c < 0x80 ? kFrom.find(static_cast<char>(c)) : std::string_view::npos;
      const bool is_ascii = c < 0x80;
      if ((c >= 0x20 || known != std::string_view::npos) && known == std::string_view::npos &&
          (is_ascii || !style_.ascii)) {
        ++at;
        continue;
      }
      out_.append(text.substr(plain, at - plain));
      const Rune rune = decode_rune(text, at);
      if (known != std::string_view::npos) {
        out_.append('\\');
        out_.append(kTo[known]);
      } else {
        escape(rune.value);
      }
      at += rune.size;
      plain = at;
    }
    out_.append(text.substr(plain));
    out_.append('"');
  }

  void line_break(int depth) {
    if (!style_.indented) return;
    out_.append('\n');
    for (int i = 0; i < depth; ++i) out_.append(style_.indent);
  }

  void list(const Values& items, int depth) {
    if (items.empty()) return out_.append("[]");
    out_.append('[');
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i) out_.append(style_.item_separator);
      line_break(depth + 1);
      write(items[i], depth + 1);
    }
    line_break(depth);
    out_.append(']');
  }

  void dict(const Dict& dict, int depth) {
    if (dict.entries.empty()) return out_.append("{}");
    std::vector<const std::pair<Value, Value>*> order;
    for (const auto& entry : dict.entries) order.push_back(&entry);
    if (style_.sort_keys)
      std::stable_sort(order.begin(), order.end(), [this](const auto* a, const auto* b) {
        return compare(with_.meter, a->first, b->first, "<") < 0;
      });
    out_.append('{');
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i) out_.append(style_.item_separator);
      line_break(depth + 1);
      const Value& key = order[i]->first;
      text(key.is(Type::string) ? key.text() : scalar(key));
      out_.append(style_.key_separator);
      write(order[i]->second, depth + 1);
    }
    line_break(depth);
    out_.append('}');
  }

  Interpreter& with_;
  const JsonStyle& style_;
  Sink out_;
};

}  // namespace

std::string to_json(Interpreter& with, const Value& value, const JsonStyle& style) {
  JsonWriter writer(with, style);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace bantam::chat::jinja
