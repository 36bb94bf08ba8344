// Construction, comparison and hashing of template values, after Python's data model.
#include "chat/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

void Meter::out_of_steps() {
  throw Error("the template takes too many steps; it may loop without end");
}

void Meter::take(std::size_t bytes) {
  if (bytes > limit - live)
    throw Error("the template's values take more than " + std::to_string(limit >> 20) +
                " MiB of memory");
  live += bytes;
}

Value Value::boolean(bool value) {
  Value out(Type::boolean);
  out.integer_ = value;
  return out;
}

Value Value::integer(std::int64_t value) {
  Value out(Type::integer);
  out.integer_ = value;
  return out;
}

Value Value::real(double value) {
  Value out(Type::real);
  out.real_ = value;
  return out;
}

Value Value::string(std::string text, Meter* meter, bool markup) {
  auto object = std::make_shared<Str>();
  object->charge(meter, sizeof(Str) + text.size());
  if (meter) meter->work(text.size());
  object->markup = markup;
  object->ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
  object->text = std::move(text);
  return Value(Type::string, std::move(object));
}

namespace {

int nesting_of(int inner) {
  if (inner >= kMaxNesting)
    throw Error("values are nested more than " + std::to_string(kMaxNesting) + " deep");
  return inner + 1;
}

}  // namespace

Value Value::list(Values items, Meter* meter, Type type) {
  auto object = std::make_shared<Sequence>();
  object->charge(meter, sizeof(Sequence) + items.size() * sizeof(Value));
  if (meter) meter->work(items.size() * sizeof(Value));
  int inner = 0;
  for (const Value& item : items) inner = std::max(inner, item.nesting());
  object->nesting = nesting_of(inner);
  object->items = std::move(items);
  return Value(type, std::move(object));
}

Value Value::dict(std::shared_ptr<Dict> entries, Meter* meter) {
  entries->charge(meter, sizeof(Dict) + entries->entries.size() * 3 * sizeof(Value));
  int inner = 0;
  for (const auto& [key, value] : entries->entries)
    inner = std::max({inner, key.nesting(), value.nesting()});
  entries->nesting = nesting_of(inner);
  return Value(Type::dict, std::move(entries));
}

Value Value::undefined(std::string message, Meter* meter) {
  auto object = std::make_shared<Undefined>();
  object->charge(meter, sizeof(Undefined));
  object->message = std::move(message);
  return Value(Type::undefined, std::move(object));
}

const std::string& Value::text() const { return as<Str>().text; }
const Values& Value::items() const { return as<Sequence>().items; }
const Dict& Value::dict() const { return as<Dict>(); }
bool Value::is_markup() const { return type_ == Type::string && as<Str>().markup; }

namespace {

// Values that can be equal share a rank: numbers among themselves, strings, tuples, undefined.
int rank_of(const Value& value) {
  switch (value.type()) {
    case Type::none:
      return 0;
    case Type::boolean:
    case Type::integer:
    case Type::real:
      return 1;
    case Type::string:
      return 2;
    case Type::tuple:
      return 3;
    case Type::undefined:
      return 4;
    default:
      return 5;
  }
}

// Exact: a double that holds an integer beyond 2^53 is not rounded to its neighbour.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole())
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
  if (a.is(Type::real) && b.is(Type::real))
    return a.real() < b.real() ? -1 : a.real() > b.real() ? 1 : 0;
  if (a.is(Type::real)) return -compare_numbers(b, a);
  const double real = b.real();
  if (real >= 9223372036854775808.0) return -1;
  if (real < -9223372036854775808.0) return 1;
  const double whole = std::trunc(real);
  const auto integer = static_cast<std::int64_t>(whole);
  if (a.integer() != integer) return a.integer() < integer ? -1 : 1;
  return real > whole ? -1 : real < whole ? 1 : 0;
}

bool is_nan(const Value& value) { return value.is(Type::real) && std::isnan(value.real()); }

}  // namespace

bool KeyLess::operator()(const Value& a, const Value& b) const {
  const int rank = rank_of(a);
  if (rank != rank_of(b)) return rank < rank_of(b);
  switch (rank) {
    case 1:
      if (is_nan(a) || is_nan(b)) return is_nan(a) && !is_nan(b);
      return compare_numbers(a, b) < 0;
    case 2:
      return a.text() < b.text();
    case 3:
      return std::lexicographical_compare(a.items().begin(), a.items().end(), b.items().begin(),
                                          b.items().end(), *this);
    case 5:
      return std::less<>()(a.identity(), b.identity());
    default:
      return false;
  }
}

void require_hashable(Meter& meter, const Value& value) {
  meter.step();
  if (value.is(Type::list) || value.is(Type::dict) || value.is(Type::view))
    throw Error("unhashable type: '" + type_name(value) + "'");
  if (value.is(Type::tuple))
    for (const Value& item : value.items()) require_hashable(meter, item);
}

const Value* Dict::find(const Value& key) const {
  if (entries.size() > 8) {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &entries[found->second].second;
  }
  const KeyLess less;
  for (const auto& [name, value] : entries)
    if (!less(name, key) && !less(key, name)) return &value;
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  if (entries.size() > 8) return find(Value::string(std::string(key), nullptr));
  for (const auto& [name, value] : entries)
    if (name.is(Type::string) && name.text() == key) return &value;
  return nullptr;
}

void Dict::set(Value key, Value value) {
  if (const Value* old = find(key)) {
    const_cast<Value&>(*old) = std::move(value);
    return;
  }
  entries.emplace_back(std::move(key), std::move(value));
  if (entries.size() <= 8) return;
  const std::size_t first = index_.empty() ? 0 : entries.size() - 1;
  for (std::size_t i = first; i < entries.size(); ++i) index_.emplace(entries[i].first, i);
}

void Dict::clear() {
  index_.clear();
  entries.clear();
}

bool truth(const Value& value) {
  switch (value.type()) {
    case Type::unset:
    case Type::undefined:
    case Type::none:
      return false;
    case Type::boolean:
    case Type::integer:
      return value.integer() != 0;
    case Type::real:
      return value.real() != 0;
    case Type::string:
      return !value.text().empty();
    case Type::list:
    case Type::tuple:
      return !value.items().empty();
    case Type::dict:
      return !value.dict().entries.empty();
    case Type::range:
      return value.as<Range>().count != 0;
    case Type::view:
      return truth(value.as<View>().dict);
    default:
      return true;
  }
}

namespace {

bool equal_views(Meter& meter, const View& a, const View& b) {
  if (a.kind == ViewKind::values || a.kind != b.kind) return &a == &b;
  if (a.kind == ViewKind::items) return equal(meter, a.dict, b.dict);
  const Dict &left = a.dict.dict(), &right = b.dict.dict();
  if (left.entries.size() != right.entries.size()) return false;
  return std::all_of(left.entries.begin(), left.entries.end(),
                     [&](const auto& entry) { return right.find(entry.first) != nullptr; });
}

bool equal_dicts(Meter& meter, const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key);
    if (!other || !equal(meter, value, *other)) return false;
  }
  return true;
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.count != b.count || a.count == 0) return a.count == b.count;
  return a.start == b.start && (a.count == 1 || a.step == b.step);
}

}  // namespace

bool equal(Meter& meter, const Value& a, const Value& b) {
  meter.step();
  if (a.is_number() && b.is_number()) return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0;
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Type::unset:
    case Type::undefined:
    case Type::none:
      return true;
    case Type::string:
      return a.text() == b.text();
    case Type::list:
    case Type::tuple:
      return a.identity() == b.identity() ||
             std::equal(
                 a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                 [&](const Value& left, const Value& right) { return equal(meter, left, right); });
    case Type::dict:
      return a.identity() == b.identity() || equal_dicts(meter, a.dict(), b.dict());
    case Type::range:
      return equal_ranges(a.as<Range>(), b.as<Range>());
    case Type::view:
      return equal_views(meter, a.as<View>(), b.as<View>());
    default:
      return a.identity() == b.identity();
  }
}

int compare(Meter& meter, const Value& a, const Value& b, const char* op) {
  meter.step();
  require_defined(a);
  require_defined(b);
  if (a.is_number() && b.is_number()) {
    // NaN is not less, not greater, not equal: an answer that no operator takes for true.
    if (is_nan(a) || is_nan(b)) return std::strchr(op, '<') ? 2 : -2;
    return compare_numbers(a, b);
  }
  if (a.is(Type::string) && b.is(Type::string)) return a.text().compare(b.text());
  if (a.is_sequence() && a.type() == b.type()) {
    const Values &left = a.items(), &right = b.items();
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i)
      if (!equal(meter, left[i], right[i])) return compare(meter, left[i], right[i], op);
    return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
  }
  throw Error(std::string("'") + op + "' not supported between instances of '" + type_name(a) +
              "' and '" + type_name(b) + "'");
}

std::string type_name(const Value& value) {
  switch (value.type()) {
    case Type::unset:
    case Type::undefined:
      return "Undefined";
    case Type::none:
      return "NoneType";
    case Type::boolean:
      return "bool";
    case Type::integer:
      return "int";
    case Type::real:
      return "float";
    case Type::string:
      return value.is_markup() ? "Markup" : "str";
    case Type::list:
      return "list";
    case Type::tuple:
      return "tuple";
    case Type::dict:
      return "dict";
    case Type::range:
      return "range";
    case Type::view:
      switch (value.as<View>().kind) {
        case ViewKind::keys:
          return "dict_keys";
        case ViewKind::values:
          return "dict_values";
        case ViewKind::items:
          return "dict_items";
      }
      return "dict_items";
    case Type::iterator:
      return value.as<Iterator>().name;
    case Type::name_space:
      return "Namespace";
    case Type::loop:
      return "LoopContext";
    case Type::macro:
      return "Macro";
    case Type::function:
      return "function";
    case Type::method:
      return "builtin_function_or_method";
    case Type::cycler:
      return "Cycler";
    case Type::joiner:
      return "Joiner";
  }
  return "object";
}

void require_defined(const Value& value) {
  if (value.is(Type::undefined)) throw Error(value.as<Undefined>().message);
}

std::size_t length(const Value& value) {
  switch (value.type()) {
    case Type::undefined:
      return 0;
    case Type::string:
      return count_runes(value);
    case Type::list:
    case Type::tuple:
      return value.items().size();
    case Type::dict:
      return value.dict().entries.size();
    case Type::view:
      return value.as<View>().dict.dict().entries.size();
    case Type::range:
      return static_cast<std::size_t>(value.as<Range>().count);
    default:
      throw Error("object of type '" + type_name(value) + "' has no len()");
  }
}

std::size_t count_runes(const Value& text) {
  const Str& str = text.as<Str>();
  if (str.ascii) return str.text.size();
  // The text is well-formed: each code point has one byte that is no continuation.
  return static_cast<std::size_t>(
      std::count_if(str.text.begin(), str.text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace bantam::chat::jinja
