// Methods of strings.
#include <algorithm>

#include "chat/jinja_arguments.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_filters.h"
#include "chat/jinja_format.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {
namespace methods {  // filters have some of the names

template <std::string (*map)(std::string_view)>
Value mapped(Interpreter& with, const Value& self, Arguments&) {
  with.meter.scan(self.text());
  return with.string(map(self.text()), self.is_markup());
}

template <bool left, bool right>
Value stripped(Interpreter& with, const Value& self, Arguments& arguments) {
  with.meter.scan(self.text());
  const std::string_view out = is_given(arguments, 0)
                                   ? strip(self.text(), text(arguments[0]), left, right)
                                   : strip(self.text(), left, right);
  return with.string(std::string(out), self.is_markup());
}

Value to_list(Interpreter& with, const Value& self, const std::vector<std::string_view>& parts) {
  Values out;
  for (const std::string_view part : parts)
    out.push_back(with.string(std::string(part), self.is_markup()));
  return with.list(std::move(out));
}

template <bool from_right>
Value split(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t limit = whole(arguments, 1, -1);
  const std::string_view all = self.text();
  if (!is_given(arguments, 0))
    return to_list(
        with, self,
        from_right ? rsplit_space(with.meter, all, limit) : split_space(with.meter, all, limit));
  const std::string& separator = text(arguments[0]);
  if (separator.empty()) throw Error("the separator to split at is empty");
  return to_list(with, self,
                 from_right ? rsplit_at(with.meter, all, separator, limit)
                            : split_at(with.meter, all, separator, limit));
}

Value lines(Interpreter& with, const Value& self, Arguments& arguments) {
  return to_list(with, self, split_lines(with.meter, self.text(), flag(arguments, 0)));
}

template <bool from_right>
Value partition(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string& separator = text(arguments[0]);
  if (separator.empty()) throw Error("the separator to split at is empty");
  const std::string& all = self.text();
  const std::size_t at =
      from_right ? find_last(with.meter, all, separator) : find_first(with.meter, all, separator);
  const auto part = [&](std::string out) { return with.string(std::move(out), self.is_markup()); };
  if (at == std::string::npos)
    return from_right ? with.tuple({part({}), part({}), self})
                      : with.tuple({self, part({}), part({})});
  return with.tuple(
      {part(all.substr(0, at)), part(separator), part(all.substr(at + separator.size()))});
}

// The text between the optional bounds start and end, which are arguments 1 and 2.
struct Window {
  std::string_view text;
  std::int64_t start;  // code point where it begins
  bool valid;          // false when start lies behind the end, where not even "" is found
};

Window window(Interpreter& with, const Value& self, const Arguments& arguments) {
  if (!self.as<Str>().ascii) with.meter.scan(self.text());
  const auto size = static_cast<std::int64_t>(count_runes(self));
  const auto bound = [&](std::size_t i, std::int64_t otherwise) {
    const std::int64_t at = whole(arguments, i, otherwise);
    return at < 0 ? std::max<std::int64_t>(at + size, 0) : at;
  };
  const std::int64_t start = bound(1, 0), end = std::min(bound(2, size), size);
  if (start > end) return {{}, start, false};
  return {rune_slice(self, static_cast<std::size_t>(start), static_cast<std::size_t>(end)), start,
          true};
}

// Where the argument is found, in code points, or -1.
template <bool from_right>
std::int64_t position(Interpreter& with, const Value& self, const Arguments& arguments) {
  const std::string& part = text(arguments[0]);
  const Window within = window(with, self, arguments);
  if (!within.valid) return -1;
  with.meter.work(within.text.size());
  const std::size_t at = from_right ? find_last(with.meter, within.text, part)
                                    : find_first(with.meter, within.text, part);
  if (at == std::string_view::npos) return -1;
  return within.start + std::count_if(within.text.begin(),
                                      within.text.begin() + static_cast<std::ptrdiff_t>(at),
                                      [](char c) { return (c & 0xC0) != 0x80; });
}

template <bool from_right>
Value find(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::integer(position<from_right>(with, self, arguments));
}

template <bool from_right>
Value index(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t at = position<from_right>(with, self, arguments);
  if (at < 0) throw Error("the substring was not found");
  return Value::integer(at);
}

Value count(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string& part = text(arguments[0]);
  const Window within = window(with, self, arguments);
  if (!within.valid) return Value::integer(0);
  with.meter.work(within.text.size());
  if (part.empty())
    return Value::integer(1 + std::count_if(within.text.begin(), within.text.end(),
                                            [](char c) { return (c & 0xC0) != 0x80; }));
  std::int64_t found = 0;
  for (std::string_view rest = within.text;; ++found) {
    const std::size_t at = find_first(with.meter, rest, part);
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at + part.size());
  }
  return Value::integer(found);
}

template <bool at_end>
Value starts(Interpreter& with, const Value& self, Arguments& arguments) {
  const Window within = window(with, self, arguments);
  const auto matches = [&](const Value& part) {
    const std::string& affix = text(part);
    if (!within.valid) return false;
    return at_end ? within.text.ends_with(affix) : within.text.starts_with(affix);
  };
  if (!arguments[0].is(Type::tuple)) return Value::boolean(matches(arguments[0]));
  const Values& parts = arguments[0].items();
  return Value::boolean(std::any_of(parts.begin(), parts.end(), matches));
}

template <bool at_end>
Value without(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string& affix = text(arguments[0]);
  std::string_view out = self.text();
  if (at_end && out.ends_with(affix)) out.remove_suffix(affix.size());
  if (!at_end && out.starts_with(affix)) out.remove_prefix(affix.size());
  return with.string(std::string(out), self.is_markup());
}

Value replace(Interpreter& with, const Value& self, Arguments& arguments) {
  const auto shown = [&](const Value& part) {
    text(part);
    return self.is_markup() ? escaped(with, part) : part.text();
  };
  return with.string(replaced(with, self.text(), shown(arguments[0]), shown(arguments[1]),
                              whole(arguments, 2, -1)),
                     self.is_markup());
}

Value join(Interpreter& with, const Value& self, Arguments& arguments) {
  Sink out(with.meter);
  Walk walk(arguments[0]);
  bool first = true;
  for (Value item; walk.next(with, &item); first = false) {
    if (!first) out.append(self.text());
    text(item);
    out.append(self.is_markup() ? escaped(with, item) : item.text());
  }
  return with.string(out.take(), self.is_markup());
}

Value format(Interpreter& with, const Value& self, Arguments& arguments) {
  return brace_format(with, self, arguments);
}

Value format_map(Interpreter& with, const Value& self, Arguments& arguments) {
  if (!arguments[0].is(Type::dict)) throw Error("'format_map' needs a dict");
  Arguments named;
  for (const auto& [key, value] : arguments[0].dict().entries)
    if (key.is(Type::string)) named.named.emplace_back(key.text(), value);
  return brace_format(with, self, named);
}

std::string fill_of(const Arguments& arguments) {
  if (!arguments.has(1)) return " ";
  if (count_runes((text(arguments[1]), arguments[1])) != 1)
    throw Error("the fill must be one character");
  return arguments[1].text();
}

Value center(Interpreter& with, const Value& self, Arguments& arguments) {
  return with.string(centered(with, self, whole(arguments, 0, 0), fill_of(arguments)),
                     self.is_markup());
}

template <bool to_right>
Value justified(Interpreter& with, const Value& self, Arguments& arguments) {
  FormatSpec spec;
  spec.width = whole(arguments, 0, 0);
  spec.fill = fill_of(arguments);
  return with.string(padded(with, self.text(), spec, to_right), self.is_markup());
}

Value zero_fill(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string& all = self.text();
  const std::size_t sign = !all.empty() && (all[0] == '-' || all[0] == '+');
  Sink out(with.meter);
  out.append(all.substr(0, sign));
  out.repeat("0", whole(arguments, 0, 0) - static_cast<std::int64_t>(count_runes(self)));
  out.append(std::string_view(all).substr(sign));
  return with.string(out.take(), self.is_markup());
}

Value expand_tabs(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t size = whole(arguments, 0, 8);
  Sink out(with.meter);
  std::int64_t column = 0;
  for (const char c : self.text()) {
    if (c == '\t') {
      const std::int64_t spaces = size > 0 ? size - column % size : 0;
      out.repeat(" ", spaces);
      column += spaces;
      continue;
    }
    out.append(c);
    if ((c & 0xC0) != 0x80) column = c == '\n' || c == '\r' ? 0 : column + 1;
  }
  return with.string(out.take(), self.is_markup());
}

Value unsupported(Interpreter&, const Value&, Arguments&) {
  throw Error("this string method is not supported in templates");
}

constexpr Builtin kStringMethods[] = {
    {"strip", stripped<true, true>, "chars"},
    {"lstrip", stripped<true, false>, "chars"},
    {"rstrip", stripped<false, true>, "chars"},
    {"split", split<false>, "sep maxsplit"},
    {"rsplit", split<true>, "sep maxsplit"},
    {"splitlines", lines, "keepends"},
    {"partition", partition<false>, "sep", 1},
    {"rpartition", partition<true>, "sep", 1},
    {"startswith", starts<false>, "prefix start end", 1},
    {"endswith", starts<true>, "suffix start end", 1},
    {"removeprefix", without<false>, "prefix", 1},
    {"removesuffix", without<true>, "suffix", 1},
    {"replace", replace, "old new count", 2},
    {"join", join, "iterable", 1},
    {"format", format, "*"},
    {"format_map", format_map, "mapping", 1},
    {"find", find<false>, "sub start end", 1},
    {"rfind", find<true>, "sub start end", 1},
    {"index", index<false>, "sub start end", 1},
    {"rindex", index<true>, "sub start end", 1},
    {"count", count, "sub start end", 1},
    {"upper", mapped<to_upper>},
    {"lower", mapped<to_lower>},
    {"capitalize", mapped<capitalize>},
    {"title", mapped<title_words>},
    {"swapcase", mapped<swapcase>},
    {"casefold", mapped<casefold>},
    {"center", center, "width fillchar", 1},
    {"ljust", justified<false>, "width fillchar", 1},
    {"rjust", justified<true>, "width fillchar", 1},
    {"zfill", zero_fill, "width", 1},
    {"expandtabs", expand_tabs, "tabsize"},
    {"encode", unsupported, "*"},
    {"translate", unsupported, "*"},
    {"maketrans", unsupported, "*"},
};

}  // namespace methods
}  // namespace

const Builtin* find_string_method(std::string_view name) {
  if (const Builtin* method = find_in(methods::kStringMethods, name)) return method;
  return find_string_test_method(name);
}

}  // namespace bantam::chat::jinja
