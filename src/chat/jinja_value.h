// The values that a chat template computes with: Python's, as far as Jinja2 shows them. Strings are
// well-formed UTF-8 and are indexed by code point. Everything but a namespace is immutable, as the
// immutable sandbox of Jinja2 demands, so values are shared freely.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"

namespace bantam::chat::jinja {

// What one render may still spend. Every object gives back what it took when it dies.
struct Meter {
  std::uint64_t steps_left = 0;
  std::size_t live = 0;  // bytes held by values
  std::size_t limit = 0;

  void step(std::uint64_t count = 1) {
    if (steps_left < count) out_of_steps();
    steps_left -= count;
  }
  // Work on `bytes` bytes or items that no step counts otherwise.
  void work(std::size_t bytes) { step(bytes / 256); }
  // The same for work on each character.
  void scan(std::string_view text) { step(text.size() / 8); }
  void take(std::size_t bytes);  // throws Error beyond the limit
  [[noreturn]] static void out_of_steps();
};

enum class Type : std::uint8_t {
  unset,  // a variable that nothing was stored in; no expression yields it
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  range,
  view,      // dict.keys(), .values(), .items()
  iterator,  // a generator: can be walked once
  name_space,
  loop,
  macro,
  function,  // a global function
  method,    // a method with the value it belongs to
  cycler,
  joiner,
};

// What values nest at most; lists of lists beyond it are an error, which bounds every recursion.
inline constexpr int kMaxNesting = 200;

struct Object {
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() {
    if (meter) meter->live -= charged;
  }
  // Takes `bytes` from the meter (none: a constant of the template) until the object dies.
  void charge(Meter* from, std::size_t bytes) {
    if (!from) return;
    from->take(bytes);
    meter = from;
    charged += bytes;
  }

  Meter* meter = nullptr;
  std::size_t charged = 0;
  int nesting = 0;
};

class Value;
using Values = std::vector<Value>;
struct Str;
struct Sequence;
struct Dict;

class Value {
 public:
  Value() = default;
  static Value none() { return Value(Type::none); }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value real(double value);
  static Value string(std::string text, Meter* meter, bool markup = false);
  static Value list(Values items, Meter* meter, Type type = Type::list);
  static Value dict(std::shared_ptr<Dict> entries, Meter* meter);
  // Undefined, with what to say when it is used.
  static Value undefined(std::string message, Meter* meter);
  Value(Type type, std::shared_ptr<Object> object) : type_(type), object_(std::move(object)) {}

  Type type() const { return type_; }
  bool is(Type type) const { return type_ == type; }
  bool is_number() const { return type_ >= Type::boolean && type_ <= Type::real; }
  bool is_whole() const { return type_ == Type::boolean || type_ == Type::integer; }
  bool is_sequence() const { return type_ == Type::list || type_ == Type::tuple; }
  bool is_markup() const;  // a string that needs no more escaping

  // Each needs the type to be right.
  bool truth_bit() const { return integer_ != 0; }
  std::int64_t integer() const { return integer_; }  // of booleans too
  double real() const { return type_ == Type::real ? real_ : static_cast<double>(integer_); }
  const std::string& text() const;
  const Values& items() const;
  const Dict& dict() const;
  template <class T>
  T& as() const {
    return static_cast<T&>(*object_);
  }
  const Object* identity() const { return object_.get(); }
  int nesting() const { return object_ ? object_->nesting : 0; }

 private:
  explicit Value(Type type) : type_(type) {}

  Type type_ = Type::unset;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
  std::shared_ptr<Object> object_;
};

struct Str : Object {
  std::string text;
  bool markup = false;
  bool ascii = false;  // then code point i is byte i
};

struct Sequence : Object {
  Values items;
  bool group = false;  // a tuple of the filter groupby: has .grouper and .list
};

// Orders what can be a key, equal where Python's keys are equal (1, 1.0 and true).
struct KeyLess {
  bool operator()(const Value& a, const Value& b) const;
};
// Throws Error unless the value can be a key ("unhashable type").
void require_hashable(Meter& meter, const Value& value);

// Keys in the order of insertion. Grows only while it is built (a namespace: always).
struct Dict : Object {
  std::vector<std::pair<Value, Value>> entries;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(Value key, Value value);
  void clear();

 private:
  std::map<Value, std::size_t, KeyLess> index_;  // of dictionaries of more than 8 entries
};

struct Range : Object {
  std::int64_t start = 0, stop = 0, step = 1, count = 0;
  Value at(std::int64_t index) const { return Value::integer(start + index * step); }
};

enum class ViewKind { keys, values, items };
struct View : Object {
  ViewKind kind = ViewKind::keys;
  Value dict;
};

struct Iterator : Object {
  Values items;
  std::size_t next = 0;
  std::string name;  // how Python would call it
};

struct Undefined : Object {
  std::string message;
};

struct Namespace : Object {
  Dict attributes;
};

struct Cycler : Object {
  Values items;
  std::size_t next = 0;
};

struct Joiner : Object {
  Value separator;
  bool used = false;
};

bool truth(const Value& value);
// Python's ==. It takes a step for each pair of values: lists that share their parts can stand for
// more of them than memory would hold. So do the next two.
bool equal(Meter& meter, const Value& a, const Value& b);
// Negative, zero, positive; throws Error where Python's < is a TypeError. `op` is for the message.
int compare(Meter& meter, const Value& a, const Value& b, const char* op);
// Python's name of the type, as its messages say it.
std::string type_name(const Value& value);
// Throws the error of an undefined value that is used, if it is one.
void require_defined(const Value& value);
// len(); throws Error where there is none.
std::size_t length(const Value& value);
// How many code points; a string knows whether it is ASCII.
std::size_t count_runes(const Value& text);

}  // namespace bantam::chat::jinja
