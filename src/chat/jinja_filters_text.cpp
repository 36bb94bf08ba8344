// Filters that make text (pallets/jinja, src/jinja2/filters.py).
#include <algorithm>

#include "chat/jinja_arguments.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_filters.h"
#include "chat/jinja_format.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

template <std::string (*map)(std::string_view)>
Value mapped(Interpreter& with, const Value& self, Arguments&) {
  const Value value = soft_text(with, self);
  with.meter.scan(value.text());
  return with.string(map(value.text()), value.is_markup());
}

// The filter title splits at spaces, dashes and opening brackets, unlike the method.
std::string title_filter(std::string_view text) {
  std::string out;
  std::size_t start = 0;
  const auto flush = [&](std::size_t end) {
    const std::string_view word = text.substr(start, end - start);
    if (word.empty()) return;
    const std::size_t first = decode_rune(word, 0).size;
    out += to_upper(word.substr(0, first));
    out += to_lower(word.substr(first));
  };
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    const char32_t c = rune.value;
    if (is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<') {
      flush(at);
      out += text.substr(at, rune.size);
      start = at + rune.size;
    }
    at += rune.size;
  }
  flush(text.size());
  return out;
}

Value center(Interpreter& with, const Value& self, Arguments& arguments) {
  const Value value = soft_text(with, self);
  return with.string(centered(with, value, whole(arguments, 0, 80), " "), value.is_markup());
}

Value escape(Interpreter& with, const Value& self, Arguments&) {
  return with.string(escaped(with, self), true);
}

Value force_escape(Interpreter& with, const Value& self, Arguments&) {
  return with.string(escaped(with, with.string(to_text(with, self))), true);
}

Value safe(Interpreter& with, const Value& self, Arguments&) {
  return with.string(to_text(with, self), true);
}

Value format(Interpreter& with, const Value& self, Arguments& arguments) {
  if (!arguments.named.empty() && !arguments.positional.empty())
    throw Error("'format' takes either positional or named arguments");
  const Value value = soft_text(with, self);
  if (arguments.named.empty())
    return percent_format(with, value, with.tuple(std::move(arguments.positional)));
  std::vector<std::pair<Value, Value>> entries;
  for (auto& [name, given] : arguments.named) entries.emplace_back(with.string(name), given);
  return percent_format(with, value, with.dict(std::move(entries)));
}

Value indent(Interpreter& with, const Value& self, Arguments& arguments) {
  Sink space(with.meter);
  if (arguments.has(0) && arguments[0].is(Type::string))
    space.append(arguments[0].text());
  else
    space.repeat(" ", whole(arguments, 0, 4));
  const bool first = flag(arguments, 1), blank = flag(arguments, 2);
  Sink out(with.meter);
  // The line break that is put behind the text makes an empty last line count.
  const std::string body = text(self) + "\n";
  const std::vector<std::string_view> lines = split_lines(with.meter, body, false);
  if (first) out.append(space.text());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i) out.append('\n');
    if (i && (blank || !lines[i].empty())) out.append(space.text());
    out.append(lines[i]);
  }
  return with.string(out.take(), self.is_markup());
}

Value replace(Interpreter& with, const Value& self, Arguments& arguments) {
  return with.string(replaced(with, to_text(with, self), to_text(with, arguments[0]),
                              to_text(with, arguments[1]), whole(arguments, 2, -1)));
}

Value trim(Interpreter& with, const Value& self, Arguments& arguments) {
  const Value value = soft_text(with, self);
  with.meter.scan(value.text());
  const std::string_view out = is_given(arguments, 0)
                                   ? strip(value.text(), text(arguments[0]), true, true)
                                   : strip(value.text(), true, true);
  return with.string(std::string(out), value.is_markup());
}

Value truncate(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t limit = whole(arguments, 0, 255), leeway = whole(arguments, 3, 5);
  const Value end = arguments.has(2) ? arguments[2] : with.string("...");
  const auto end_size = static_cast<std::int64_t>(length(end));
  if (limit < end_size || leeway < 0)
    throw Error("'truncate' needs a length of at least its end's");
  if (self.is(Type::string)) with.meter.scan(self.text());
  const auto size = static_cast<std::int64_t>(length(self));
  if (size - leeway <= limit) return self;
  text(self);
  std::string_view kept = rune_slice(self, 0, static_cast<std::size_t>(limit - end_size));
  if (!flag(arguments, 1)) kept = kept.substr(0, kept.rfind(' '));
  return with.string(std::string(kept) + text(end), self.is_markup());
}

Value word_count(Interpreter& with, const Value& self, Arguments&) {
  const std::string words = to_text(with, self);
  with.meter.scan(words);
  std::int64_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at < words.size();) {
    const Rune rune = decode_rune(words, at);
    const bool is_word = rune.value == '_' || is_alnum(rune.value);
    count += is_word && !inside;
    inside = is_word;
    at += rune.size;
  }
  return Value::integer(count);
}

// Percent signs for all but letters, digits, "_.-~" and `keep`.
std::string url_quoted(std::string_view text, bool query) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 &&
        (is_alnum(byte) || std::string_view("_.-~").find(c) != std::string_view::npos ||
         (c == '/' && !query))) {
      out += c;
    } else if (query && c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Value url_encode(Interpreter& with, const Value& self, Arguments&) {
  if (self.is(Type::string) || self.is_number() || self.is(Type::none))
    return with.string(url_quoted(to_text(with, self), false));
  Values pairs;
  if (self.is(Type::dict))
    for (const auto& [key, value] : self.dict().entries) pairs.push_back(with.tuple({key, value}));
  else
    pairs = with.to_values(self);
  std::string out;
  for (const Value& pair : pairs) {
    const Values parts = with.to_values(pair);
    if (parts.size() != 2) throw Error("'urlencode' needs pairs");
    if (!out.empty()) out += '&';
    out +=
        url_quoted(to_text(with, parts[0]), true) + "=" + url_quoted(to_text(with, parts[1]), true);
  }
  return with.string(std::move(out));
}

Value xml_attributes(Interpreter& with, const Value& self, Arguments& arguments) {
  if (!self.is(Type::dict)) throw Error("'xmlattr' needs a dict");
  Sink out(with.meter);
  for (const auto& [key, value] : self.dict().entries) {
    if (value.is(Type::none) || value.is(Type::undefined)) continue;
    if (text(key).find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      throw Error("invalid character in the attribute name " + printable(repr_text(key.text())));
    if (!out.text().empty() || flag(arguments, 0, true)) out.append(' ');
    out.append(escaped(with, key) + "=\"" + escaped(with, value) + "\"");
  }
  return with.string(out.take());
}

void drop_between(std::string& text, std::string_view open, std::string_view close) {
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const std::size_t start = text.find(open, at);
    const std::size_t end = start == std::string::npos ? start : text.find(close, start);
    if (end == std::string::npos) break;
    out.append(text, at, start - at);
    at = end + close.size();
  }
  text = out.append(text, at);
}

Value strip_tags(Interpreter& with, const Value& self, Arguments&) {
  std::string value = to_text(with, self);
  drop_between(value, "<!--", "-->");
  drop_between(value, "<", ">");
  std::string out;
  for (const std::string_view word : split_space(with.meter, value, -1))
    out.append(out.empty() ? "" : " ").append(word);
  static constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"},   {"&gt;", ">"},  {"&quot;", "\""},
      {"&#34;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, c] : kEntities) out = replaced(with, out, entity, c, -1);
  return with.string(std::move(out));
}

Value file_size(Interpreter& with, const Value& self, Arguments& arguments) {
  const double bytes = to_real(self);
  const bool binary = flag(arguments, 0);
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return with.string("1 Byte");
  if (bytes < base) return with.string(std::to_string(static_cast<std::int64_t>(bytes)) + " Bytes");
  double unit = base;
  std::size_t i = 0;
  for (; i < 7 && bytes >= unit * base; ++i) unit *= base;
  FormatSpec spec;
  spec.type = 'f';
  spec.precision = 1;
  const std::string prefix(1, (binary ? "KMGTPEZY" : "kMGTPEZY")[i]);
  return with.string(format_number(with, Value::real(bytes / unit), spec) + " " + prefix +
                     (binary ? "iB" : "B"));
}

Value to_json_filter(Interpreter& with, const Value& self, Arguments& arguments) {
  JsonStyle style;
  style.ascii = flag(arguments, 0);
  style.sort_keys = flag(arguments, 3);
  if (is_given(arguments, 1)) {
    style.indented = true;
    style.item_separator = ",";
    if (arguments[1].is(Type::string)) {
      style.indent = arguments[1].text();
    } else {
      Sink space(with.meter);
      space.repeat(" ", whole(arguments, 1, 0));
      style.indent = space.take();
    }
  }
  if (is_given(arguments, 2)) {
    const Values separators = with.to_values(arguments[2]);
    if (separators.size() != 2) throw Error("'tojson' needs two separators");
    style.item_separator = text(separators[0]);
    style.key_separator = text(separators[1]);
  }
  return with.string(to_json(with, self, style));
}

Value as_string(Interpreter& with, const Value& self, Arguments&) { return soft_text(with, self); }

constexpr Builtin kTextFilters[] = {
    {"tojson", to_json_filter, "ensure_ascii indent separators sort_keys"},
    {"trim", trim, "chars"},
    {"replace", replace, "old new count", 2},
    {"string", as_string},
    {"upper", mapped<to_upper>},
    {"lower", mapped<to_lower>},
    {"capitalize", mapped<capitalize>},
    {"title", mapped<title_filter>},
    {"indent", indent, "width first blank"},
    {"safe", safe},
    {"escape", escape},
    {"e", escape},
    {"forceescape", force_escape},
    {"format", format, "*"},
    {"center", center, "width"},
    {"truncate", truncate, "length killwords end leeway"},
    {"wordcount", word_count},
    {"urlencode", url_encode},
    {"xmlattr", xml_attributes, "autospace"},
    {"striptags", strip_tags},
    {"filesizeformat", file_size, "binary"},
};

}  // namespace

std::string centered(Interpreter& with, const Value& value, std::int64_t width,
                     std::string_view fill) {
  const auto size = static_cast<std::int64_t>(count_runes(value));
  const std::int64_t missing = std::max<std::int64_t>(width - size, 0);
  // CPython's rule for an odd rest (Objects/unicodeobject.c, unicode_center).
  const std::int64_t left = missing / 2 + (missing & width & 1);
  Sink out(with.meter);
  out.repeat(fill, left);
  out.append(value.text());
  out.repeat(fill, missing - left);
  return out.take();
}

std::string replaced(Interpreter& with, std::string_view text, std::string_view from,
                     std::string_view to, std::int64_t count) {
  Sink out(with.meter);
  std::size_t at = 0;
  if (from.empty()) {  // between all characters, and at both ends
    for (; count != 0; --count) {
      out.append(to);
      if (at >= text.size()) return out.take();
      const std::size_t size = decode_rune(text, at).size;
      out.append(text.substr(at, size));
      at += size;
    }
  }
  for (; count != 0; --count) {
    const std::size_t found =
        from.empty() ? std::string_view::npos : find_first(with.meter, text.substr(at), from);
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found));
    out.append(to);
    at += found + from.size();
  }
  out.append(text.substr(at));
  return out.take();
}

const Builtin* find_text_filter(std::string_view name) { return find_in(kTextFilters, name); }

}  // namespace bantam::chat::jinja
