// Attributes, items and slices of values, by the rules of Jinja2's immutable sandbox: `a.b` looks
// for a Python attribute and then for a key, `a['b']` the other way round, and what is missing or
// kept from templates is undefined (pallets/jinja, src/jinja2/sandbox.py).
#include <algorithm>

#include "base/error.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

Value Interpreter::iterator(Values items, std::string name) {
  auto object = std::make_shared<Iterator>();
  object->charge(&meter, sizeof(Iterator) + items.size() * sizeof(Value));
  for (const Value& item : items) object->nesting = std::max(object->nesting, item.nesting() + 1);
  if (object->nesting > kMaxNesting) throw Error("values are nested too deep");
  object->items = std::move(items);
  object->name = std::move(name);
  return Value(Type::iterator, std::move(object));
}

Value Interpreter::dict(std::vector<std::pair<Value, Value>> entries) {
  auto object = std::make_shared<Dict>();
  for (auto& [key, value] : entries) {
    require_hashable(meter, key);
    object->set(std::move(key), std::move(value));
  }
  return Value::dict(std::move(object), &meter);
}

Value Interpreter::make_namespace() {
  auto object = std::make_shared<Namespace>();
  object->charge(&meter, sizeof(Namespace));
  namespaces_.push_back(object);
  return Value(Type::name_space, std::move(object));
}

Value Interpreter::callable(const Builtin& builtin, Value self) {
  auto object = std::make_shared<Callable>();
  object->charge(&meter, sizeof(Callable));
  object->nesting = self.nesting() + 1;
  object->builtin = &builtin;
  const Type type = self.is(Type::unset) ? Type::function : Type::method;
  object->self = std::move(self);
  return Value(type, std::move(object));
}

namespace {

// Attributes of Python's objects that are no methods. Unset: there is none of this name.
Value plain_attribute(Interpreter& with, const Value& object, const std::string& name) {
  switch (object.type()) {
    case Type::boolean:
    case Type::integer:
      if (name == "real" || name == "numerator") return Value::integer(object.integer());
      if (name == "imag") return Value::integer(0);
      if (name == "denominator") return Value::integer(1);
      return {};
    case Type::real:
      if (name == "real") return object;
      if (name == "imag") return Value::real(0);
      return {};
    case Type::range: {
      const Range& range = object.as<Range>();
      if (name == "start") return Value::integer(range.start);
      if (name == "step") return Value::integer(range.step);
      if (name == "stop") return Value::integer(range.stop);
      return {};
    }
    case Type::tuple:
      if (!object.as<Sequence>().group) return {};
      if (name == "grouper") return object.items()[0];
      if (name == "list") return object.items()[1];
      return {};
    case Type::name_space: {
      const Value* value = object.as<Namespace>().attributes.find(name);
      return value ? *value : Value();
    }
    case Type::loop:
      return with.loop_attribute(object.as<Loop>(), name);
    case Type::macro: {
      const Function& function = *object.as<Macro>().function;
      if (name == "name") return function.name.empty() ? Value::none() : with.string(function.name);
      if (name == "caller") return Value::boolean(function.caller >= 0);
      if (name == "catch_kwargs") return Value::boolean(function.kwargs >= 0);
      if (name == "catch_varargs") return Value::boolean(function.varargs >= 0);
      if (name != "arguments") return {};
      Values names;
      for (const Parameter& parameter : function.parameters)
        names.push_back(with.string(parameter.name));
      return with.tuple(std::move(names));
    }
    case Type::cycler: {
      const Cycler& cycler = object.as<Cycler>();
      return name == "current" ? cycler.items[cycler.next] : Value();
    }
    case Type::joiner:
      return name == "sep" ? object.as<Joiner>().separator : Value();
    default:
      return {};
  }
}

std::string no_attribute(const Value& object, const std::string& name) {
  if (object.is(Type::none)) return "None has no attribute '" + printable(name) + "'";
  return "'" + type_name(object) + " object' has no attribute '" + printable(name) + "'";
}

bool is_dunder(const std::string& name) { return name.starts_with("__") && name.ends_with("__"); }

// What Python's getattr finds, made undefined where the sandbox forbids it. Unset: nothing.
Value python_attribute(Interpreter& with, const Value& object, const std::string& name) {
  const auto unsafe = [&] {
    return with.undefined("access to attribute '" + printable(name) + "' of '" + type_name(object) +
                          "' object is unsafe");
  };
  if (const Builtin* method = find_method(object.type(), name))
    return method->run ? with.callable(*method, object) : unsafe();
  Value value = plain_attribute(with, object, name);
  if (!value.is(Type::unset)) return name.starts_with('_') ? unsafe() : value;
  return is_dunder(name) && !object.is(Type::name_space) ? unsafe() : Value();
}

// The item of a sequence, counted from the end when negative. Unset: out of range.
template <class At>
Value indexed(std::int64_t index, std::size_t count, At at) {
  const auto size = static_cast<std::int64_t>(count);
  if (index < 0) index += size;
  return index < 0 || index >= size ? Value() : at(static_cast<std::size_t>(index));
}

// Python's object[key]. Unset where it raises LookupError or TypeError.
Value python_item(Interpreter& with, const Value& object, const Value& key) {
  switch (object.type()) {
    case Type::string:
      if (!key.is_whole()) return {};
      if (!object.as<Str>().ascii) with.meter.scan(object.text());
      return indexed(key.integer(), count_runes(object), [&](std::size_t i) {
        return with.string(std::string(rune_slice(object, i, i + 1)), object.is_markup());
      });
    case Type::list:
    case Type::tuple:
      if (!key.is_whole()) return {};
      return indexed(key.integer(), object.items().size(),
                     [&](std::size_t i) { return object.items()[i]; });
    case Type::range: {
      const Range& range = object.as<Range>();
      if (!key.is_whole()) return {};
      return indexed(key.integer(), static_cast<std::size_t>(range.count),
                     [&](std::size_t i) { return range.at(static_cast<std::int64_t>(i)); });
    }
    case Type::dict: {
      if (key.is(Type::list) || key.is(Type::dict) || key.is(Type::view)) return {};
      if (key.is(Type::tuple)) require_hashable(with.meter, key);
      const Value* value = object.dict().find(key);
      return value ? *value : Value();
    }
    default:
      return {};
  }
}

}  // namespace

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (name != "__class__") require_defined(object);
  Value value = python_attribute(*this, object, name);
  if (value.is(Type::unset) && object.is(Type::dict))
    if (const Value* found = object.dict().find(name)) return *found;
  return value.is(Type::unset) ? undefined(no_attribute(object, name)) : value;
}

Value Interpreter::item(const Value& object, const Value& key) {
  require_defined(object);
  Value value = python_item(*this, object, key);
  if (!value.is(Type::unset)) return value;
  if (key.is(Type::string)) {
    value = python_attribute(*this, object, key.text());
    return value.is(Type::unset) ? undefined(no_attribute(object, key.text())) : value;
  }
  return undefined("'" + type_name(object) + " object' has no such element");
}

namespace {

// Where a slice starts and stops in a sequence of `size` items (PySlice_AdjustIndices).
struct Bounds {
  std::int64_t start, stop, count, step;
};

Bounds adjusted(const Value& start, const Value& stop, const Value& step, std::size_t length) {
  const auto whole = [](const Value& value, std::int64_t otherwise) {
    require_defined(value);
    if (value.is(Type::none)) return otherwise;
    if (!value.is_whole()) throw Error("slice indices must be integers");
    return value.integer();
  };
  const auto size = static_cast<std::int64_t>(length);
  const std::int64_t by = whole(step, 1);
  if (by == 0) throw Error("slice step cannot be zero");
  const std::int64_t low = by < 0 ? -1 : 0, high = by < 0 ? size - 1 : size;
  const auto clamped = [&](const Value& value, std::int64_t otherwise) {
    if (value.is(Type::none)) return otherwise;
    const std::int64_t index = whole(value, 0);
    return std::clamp(index < 0 ? index + size : index, low, high);
  };
  const std::int64_t first = clamped(start, by < 0 ? high : low);
  const std::int64_t last = clamped(stop, by < 0 ? low : high);
  std::int64_t count = 0;
  if (by > 0 && last > first) count = (last - first - 1) / by + 1;
  if (by < 0 && first > last) count = (first - last - 1) / -std::max(by, -INT64_MAX) + 1;
  return {first, last, count, by};
}

Value sliced_text(Interpreter& with, const Value& text, const Bounds& bounds) {
  const auto first = static_cast<std::size_t>(std::max<std::int64_t>(bounds.start, 0));
  with.meter.scan(text.text());
  std::string out;
  if (bounds.step == 1) {
    out = rune_slice(text, first, first + static_cast<std::size_t>(bounds.count));
  } else if (bounds.count > 0) {
    std::vector<std::string_view> runes;
    const std::string_view all = text.text();
    with.meter.take(all.size() * sizeof(std::string_view));
    for (std::size_t at = 0; at < all.size();) {
      std::size_t next = at + 1;
      while (next < all.size() && (all[next] & 0xC0) == 0x80) ++next;
      runes.push_back(all.substr(at, next - at));
      at = next;
    }
    for (std::int64_t i = 0; i < bounds.count; ++i)
      out += runes[static_cast<std::size_t>(bounds.start + i * bounds.step)];
    with.meter.live -= all.size() * sizeof(std::string_view);
  }
  return with.string(std::move(out), text.is_markup());
}

}  // namespace

Value Interpreter::slice(const Value& object, const Value& start, const Value& stop,
                         const Value& step) {
  require_defined(object);
  if (!object.is(Type::string) && !object.is_sequence() && !object.is(Type::range))
    throw Error("a '" + type_name(object) + "' cannot be sliced");
  const Bounds bounds = adjusted(start, stop, step, length(object));
  if (object.is(Type::string)) return sliced_text(*this, object, bounds);
  if (object.is(Type::range)) {
    const Range& range = object.as<Range>();
    auto out = std::make_shared<Range>();
    out->charge(&meter, sizeof(Range));
    out->start = range.start + bounds.start * range.step;
    out->stop = range.start + bounds.stop * range.step;
    out->step = range.step * bounds.step;
    out->count = bounds.count;
    return Value(Type::range, std::move(out));
  }
  Values items;
  for (std::int64_t i = 0; i < bounds.count; ++i)
    items.push_back(object.items()[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
  return object.is(Type::list) ? list(std::move(items)) : tuple(std::move(items));
}

bool Interpreter::contains(const Value& container, const Value& item) {
  switch (container.type()) {
    case Type::string:
      if (!item.is(Type::string)) {
        require_defined(item);
        throw Error("'in <string>' requires a string on its left, not '" + type_name(item) + "'");
      }
      return find_first(meter, container.text(), item.text()) != std::string::npos;
    case Type::dict:
      require_hashable(meter, item);
      return container.dict().find(item) != nullptr;
    case Type::view: {
      const View& view = container.as<View>();
      if (view.kind == ViewKind::keys) return contains(view.dict, item);
      [[fallthrough]];
    }
    default: {
      Walk walk(container);
      for (Value each; walk.next(*this, &each);)
        if (equal(meter, each, item)) return true;
      return false;
    }
  }
}

}  // namespace bantam::chat::jinja
