// The is...() methods of strings, and the methods of everything else.
#include <algorithm>
#include <cmath>

#include "chat/jinja_arguments.h"
#include "chat/jinja_filters.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

// --- strings

template <bool (*is)(char32_t)>
bool all_runes(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    if (!is(rune.value)) return false;
    at += rune.size;
  }
  return true;
}

template <bool (*is)(char32_t)>
Value all(Interpreter& with, const Value& self, Arguments&) {
  with.meter.scan(self.text());
  return Value::boolean(!self.text().empty() && all_runes<is>(self.text()));
}

bool is_ascii_rune(char32_t c) { return c < 0x80; }

Value ascii(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(all_runes<is_ascii_rune>(self.text()));
}

Value printable_method(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(all_runes<is_printable>(self.text()));
}

template <bool upper>
Value one_case(Interpreter& with, const Value& self, Arguments& arguments) {
  return find_test(upper ? "upper" : "lower")->run(with, self, arguments);
}

// Capitals at the start of words only, and at least one.
Value titled(Interpreter&, const Value& self, Arguments&) {
  bool in_word = false, found = false;
  for (std::size_t at = 0; at < self.text().size();) {
    const Rune rune = decode_rune(self.text(), at);
    const bool capital = is_upper(rune.value) || is_title(rune.value), small = is_lower(rune.value);
    if ((capital && in_word) || (small && !in_word)) return Value::boolean(false);
    in_word = capital || small;
    found |= in_word;
    at += rune.size;
  }
  return Value::boolean(found);
}

bool is_name_rune(char32_t c) {
  return c == '_' || is_alnum(c) || (CharClasses::get()[c] & char_class::mark);
}

Value identifier(Interpreter&, const Value& self, Arguments&) {
  const std::string& name = self.text();
  return Value::boolean(!name.empty() && !is_numeric(decode_rune(name, 0).value) &&
                        all_runes<is_name_rune>(name));
}

constexpr Builtin kStringTests[] = {
    {"isspace", all<is_space>},
    {"isalpha", all<is_alpha>},
    {"isalnum", all<is_alnum>},
    {"isdigit", all<is_digit>},
    {"isdecimal", all<is_decimal>},
    {"isnumeric", all<is_numeric>},
    {"isascii", ascii},
    {"isprintable", printable_method},
    {"isupper", one_case<true>},
    {"islower", one_case<false>},
    {"istitle", titled},
    {"isidentifier", identifier},
};

// --- dictionaries

template <ViewKind kind>
Value view(Interpreter& with, const Value& self, Arguments&) {
  auto object = std::make_shared<View>();
  object->charge(&with.meter, sizeof(View));
  object->nesting = self.nesting();
  object->kind = kind;
  object->dict = self;
  return Value(Type::view, std::move(object));
}

Value get(Interpreter& with, const Value& self, Arguments& arguments) {
  require_hashable(with.meter, arguments[0]);
  const Value* found = self.dict().find(arguments[0]);
  if (found) return *found;
  return arguments.has(1) ? arguments[1] : Value::none();
}

Value copy_dict(Interpreter& with, const Value& self, Arguments&) {
  return with.dict(self.dict().entries);
}

Value from_keys(Interpreter& with, const Value&, Arguments& arguments) {
  std::vector<std::pair<Value, Value>> entries;
  for (Value& key : with.to_values(arguments[0]))
    entries.emplace_back(std::move(key), arguments.has(1) ? arguments[1] : Value::none());
  return with.dict(std::move(entries));
}

// Without a function: it changes the dict, which the sandbox forbids.
constexpr Builtin kDictMethods[] = {
    {"items", view<ViewKind::items>},
    {"keys", view<ViewKind::keys>},
    {"values", view<ViewKind::values>},
    {"get", get, "key default", 1},
    {"copy", copy_dict},
    {"fromkeys", from_keys, "iterable value", 1},
    {"clear", nullptr},
    {"pop", nullptr},
    {"popitem", nullptr},
    {"setdefault", nullptr},
    {"update", nullptr},
};

// --- lists and tuples

Value count_item(Interpreter& with, const Value& self, Arguments& arguments) {
  std::int64_t count = 0;
  for (const Value& item : with.to_values(self)) count += equal(with.meter, item, arguments[0]);
  return Value::integer(count);
}

Value index_of(Interpreter& with, const Value& self, Arguments& arguments) {
  const Values items = with.to_values(self);
  const auto size = static_cast<std::int64_t>(items.size());
  const auto bound = [&](std::size_t i, std::int64_t otherwise) {
    const std::int64_t at = whole(arguments, i, otherwise);
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  for (std::int64_t i = bound(1, 0); i < bound(2, size); ++i)
    if (equal(with.meter, items[static_cast<std::size_t>(i)], arguments[0]))
      return Value::integer(i);
  throw Error("the value is not in the list");
}

Value copy_list(Interpreter& with, const Value& self, Arguments&) {
  return with.list(self.items());
}

constexpr Builtin kListMethods[] = {
    {"index", index_of, "value start stop", 1},
    {"count", count_item, "value", 1},
    {"copy", copy_list},
    {"append", nullptr},
    {"clear", nullptr},
    {"extend", nullptr},
    {"insert", nullptr},
    {"pop", nullptr},
    {"remove", nullptr},
    {"reverse", nullptr},
    {"sort", nullptr},
};

constexpr Builtin kTupleMethods[] = {
    {"index", index_of, "value start stop", 1},
    {"count", count_item, "value", 1},
};

// --- numbers, loops and helpers

Value bit_length(Interpreter&, const Value& self, Arguments&) {
  std::int64_t bits = 0;
  for (auto left = static_cast<std::uint64_t>(self.integer() < 0
                                                  ? 0 - static_cast<std::uint64_t>(self.integer())
                                                  : static_cast<std::uint64_t>(self.integer()));
       left != 0; left >>= 1)
    ++bits;
  return Value::integer(bits);
}

Value is_whole(Interpreter&, const Value& self, Arguments&) {
  return Value::boolean(std::isfinite(self.real()) && self.real() == std::floor(self.real()));
}

Value itself(Interpreter&, const Value& self, Arguments&) { return self; }

constexpr Builtin kIntegerMethods[] = {{"bit_length", bit_length}, {"conjugate", itself}};
constexpr Builtin kRealMethods[] = {{"is_integer", is_whole}, {"conjugate", itself}};

Value cycle(Interpreter&, const Value& self, Arguments& arguments) {
  if (arguments.positional.empty()) throw Error("there is nothing to cycle through");
  const auto index = static_cast<std::size_t>(self.as<Loop>().index0);
  return arguments.positional[index % arguments.positional.size()];
}

Value changed(Interpreter& with, const Value& self, Arguments& arguments) {
  return Value::boolean(with.loop_changed(self, with.tuple(std::move(arguments.positional))));
}

constexpr Builtin kLoopMethods[] = {{"cycle", cycle, "*"}, {"changed", changed, "*"}};

Value next(Interpreter&, const Value& self, Arguments&) {
  Cycler& cycler = self.as<Cycler>();
  const std::size_t now = cycler.next;
  cycler.next = (now + 1) % cycler.items.size();
  return cycler.items[now];
}

Value reset(Interpreter&, const Value& self, Arguments&) {
  self.as<Cycler>().next = 0;
  return Value::none();
}

constexpr Builtin kCyclerMethods[] = {{"next", next}, {"reset", reset}};

}  // namespace

const Builtin* find_string_test_method(std::string_view name) {
  return find_in(kStringTests, name);
}

const Builtin* find_method(Type type, std::string_view name) {
  switch (type) {
    case Type::string:
      return find_string_method(name);
    case Type::dict:
      return find_in(kDictMethods, name);
    case Type::list:
      return find_in(kListMethods, name);
    case Type::tuple:
    case Type::range:
      return find_in(kTupleMethods, name);
    case Type::boolean:
    case Type::integer:
      return find_in(kIntegerMethods, name);
    case Type::real:
      return find_in(kRealMethods, name);
    case Type::loop:
      return find_in(kLoopMethods, name);
    case Type::cycler:
      return find_in(kCyclerMethods, name);
    default:
      return nullptr;
  }
}

}  // namespace bantam::chat::jinja
