// Filters over sequences and dictionaries.
#include <algorithm>
#include <set>

#include "chat/jinja_arguments.h"
#include "chat/jinja_filters.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

namespace {

Value count(Interpreter& with, const Value& self, Arguments&) {
  if (self.is(Type::string)) with.meter.work(self.text().size());
  return Value::integer(static_cast<std::int64_t>(length(self)));
}

Value fallback(Interpreter& with, const Value& self, Arguments& arguments) {
  if (!self.is(Type::undefined) && !(flag(arguments, 1) && !truth(self))) return self;
  return arguments.has(0) ? arguments[0] : with.string({});
}

Value first(Interpreter& with, const Value& self, Arguments&) {
  Value out;
  if (Walk(self).next(with, &out)) return out;
  return with.undefined("there is no first item, as the sequence was empty");
}

Value last(Interpreter& with, const Value& self, Arguments&) {
  if (self.is(Type::iterator)) throw Error("a generator cannot be walked backwards; use 'list'");
  Values items = with.to_values(self);
  if (!items.empty()) return std::move(items.back());
  return with.undefined("there is no last item, as the sequence was empty");
}

Value list(Interpreter& with, const Value& self, Arguments&) {
  return with.list(with.to_values(self));
}

Value join(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string between = arguments.has(0) ? to_text(with, arguments[0]) : std::string();
  const AttributePath path(is_given(arguments, 1) ? arguments[1] : Value::none());
  Sink out(with.meter);
  Walk walk(self);
  bool is_first = true;
  for (Value item; walk.next(with, &item); is_first = false) {
    if (!is_first) out.append(between);
    item = path(with, std::move(item));
    if (item.is(Type::string))
      out.append(item.text());
    else
      out.append(to_text(with, item));
  }
  return with.string(out.take());
}

Value items(Interpreter& with, const Value& self, Arguments&) {
  Values pairs;
  if (self.is(Type::dict))
    for (const auto& [key, value] : self.dict().entries) pairs.push_back(with.tuple({key, value}));
  else if (!self.is(Type::undefined))
    throw Error("'items' needs a mapping, not a value of type '" + type_name(self) + "'");
  return with.iterator(std::move(pairs));
}

Value reverse(Interpreter& with, const Value& self, Arguments&) {
  Values values = with.to_values(self);
  std::reverse(values.begin(), values.end());
  if (self.is(Type::string)) {
    std::string out;
    for (const Value& value : values) out += value.text();
    return with.string(std::move(out), self.is_markup());
  }
  // Python's reversed() is walked once; what it cannot reverse Jinja2 makes a list of.
  if (self.is(Type::iterator)) return with.list(std::move(values));
  return with.iterator(std::move(values), "list_reverseiterator");
}

// Sorted by keys, which Python compares like lists: the first parts that are not equal decide. Lone
// keys are compared by < alone, which has an error for None even beside None. Equal ones keep their
// order, in reverse too.
enum class Keys { lists, alone };
Values sorted(Interpreter& with, Values values, const std::vector<Values>& keys, bool reverse,
              Keys kind) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto less = [&](std::size_t a, std::size_t b) {
    with.meter.step();
    if (kind == Keys::alone) return compare(with.meter, keys[a][0], keys[b][0], "<") < 0;
    for (std::size_t i = 0; i < keys[a].size(); ++i)
      if (!equal(with.meter, keys[a][i], keys[b][i]))
        return compare(with.meter, keys[a][i], keys[b][i], "<") < 0;
    return false;
  };
  if (reverse)
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return less(b, a); });
  else
    std::stable_sort(order.begin(), order.end(), less);
  Values out;
  for (const std::size_t i : order) out.push_back(std::move(values[i]));
  return out;
}

Value dict_sort(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string by = arguments.has(1) ? text(arguments[1]) : "key";
  if (by != "key" && by != "value") throw Error("'dictsort' goes by \"key\" or by \"value\"");
  require_defined(self);
  if (!self.is(Type::dict))
    throw Error("'dictsort' needs a dict, not a value of type '" + type_name(self) + "'");
  Values pairs;
  std::vector<Values> keys;
  for (const auto& [key, value] : self.dict().entries) {
    pairs.push_back(with.tuple({key, value}));
    const Value& shown = by == "key" ? key : value;
    keys.push_back({flag(arguments, 0) ? shown : ignore_case(with, shown)});
  }
  return with.list(sorted(with, std::move(pairs), keys, flag(arguments, 2), Keys::alone));
}

Value sort(Interpreter& with, const Value& self, Arguments& arguments) {
  std::vector<AttributePath> paths;
  if (arguments.has(2) && arguments[2].is(Type::string))
    for (const std::string_view part : split_at(with.meter, arguments[2].text(), ",", -1))
      paths.emplace_back(with.string(std::string(part)));
  else
    paths.emplace_back(arguments.has(2) ? arguments[2] : Value::none());
  Values values = with.to_values(self);
  std::vector<Values> keys;
  for (const Value& value : values) {
    Values key;
    for (const AttributePath& path : paths) {
      Value part = path(with, value);
      key.push_back(flag(arguments, 1) ? part : ignore_case(with, part));
    }
    keys.push_back(std::move(key));
  }
  return with.list(sorted(with, std::move(values), keys, flag(arguments, 0), Keys::lists));
}

Value unique(Interpreter& with, const Value& self, Arguments& arguments) {
  const AttributePath path(is_given(arguments, 1) ? arguments[1] : Value::none());
  std::set<Value, KeyLess> seen;
  Values out;
  for (Value& value : with.to_values(self)) {
    Value key = path(with, value);
    if (!flag(arguments, 0)) key = ignore_case(with, key);
    require_hashable(with.meter, key);
    if (seen.insert(std::move(key)).second) out.push_back(std::move(value));
  }
  return with.iterator(std::move(out));
}

Value group_by(Interpreter& with, const Value& self, Arguments& arguments) {
  const Value otherwise = is_given(arguments, 1) ? arguments[1] : Value();
  const AttributePath path(arguments[0], otherwise);
  Values values = with.to_values(self);
  std::vector<Values> keys;
  for (const Value& value : values) {
    const Value key = path(with, value);
    keys.push_back({flag(arguments, 2) ? key : ignore_case(with, key)});
  }
  values = sorted(with, std::move(values), keys, false, Keys::alone);
  Values out, group;
  Value group_key;
  const auto flush = [&] {
    if (group.empty()) return;
    const Value name = path(with, group[0]);
    Value pair = with.tuple({name, with.list(std::move(group))});
    pair.as<Sequence>().group = true;
    out.push_back(std::move(pair));
    group.clear();
  };
  for (Value& value : values) {
    Value key = path(with, value);
    if (!flag(arguments, 2)) key = ignore_case(with, key);
    if (!group.empty() && !equal(with.meter, key, group_key)) flush();
    group_key = std::move(key);
    group.push_back(std::move(value));
  }
  flush();
  return with.list(std::move(out));
}

Value batch(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t size = whole(arguments, 0, 1);
  Values out, row;
  for (Value& value : with.to_values(self)) {
    if (!row.empty() && static_cast<std::int64_t>(row.size()) == size)
      out.push_back(with.list(std::exchange(row, {})));
    row.push_back(std::move(value));
  }
  if (row.empty()) return with.iterator(std::move(out));
  if (is_given(arguments, 1)) {
    with.meter.take(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 0, INT32_MAX)) *
                    sizeof(Value));
    while (static_cast<std::int64_t>(row.size()) < size) row.push_back(arguments[1]);
    with.meter.live -=
        static_cast<std::size_t>(std::clamp<std::int64_t>(size, 0, INT32_MAX)) * sizeof(Value);
  }
  out.push_back(with.list(std::move(row)));
  return with.iterator(std::move(out));
}

Value slices(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::int64_t count = whole(arguments, 0, 1);
  if (count == 0) throw Error("division by zero");
  const Values values = with.to_values(self);
  const auto size = static_cast<std::int64_t>(values.size());
  Values out;
  std::int64_t start = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool longer = i < size % count;
    const std::int64_t end = start + size / count + longer;
    Values row(values.begin() + start, values.begin() + end);
    if (is_given(arguments, 1) && !longer) row.push_back(arguments[1]);
    out.push_back(with.list(std::move(row)));
    start = end;
  }
  return with.iterator(std::move(out));
}

Value attribute(Interpreter& with, const Value& self, Arguments& arguments) {
  const std::string& name = text(arguments[0]);
  // Attributes only: what would be a key of a dict is not looked for.
  if (self.is(Type::dict) && !find_method(Type::dict, name))
    return with.undefined("'dict object' has no attribute '" + printable(name) + "'");
  return with.attribute(self, name);
}

Value no_random(Interpreter&, const Value&, Arguments&) {
  throw Error("the filter 'random' is refused: a prompt must not change by chance");
}

constexpr Builtin kListFilters[] = {
    {"length", count},
    {"count", count},
    {"default", fallback, "default_value boolean"},
    {"d", fallback, "default_value boolean"},
    {"first", first},
    {"last", last},
    {"list", list},
    {"join", join, "d attribute"},
    {"items", items},
    {"reverse", reverse},
    {"dictsort", dict_sort, "case_sensitive by reverse"},
    {"sort", sort, "reverse case_sensitive attribute"},
    {"unique", unique, "case_sensitive attribute"},
    {"groupby", group_by, "attribute default case_sensitive", 1},
    {"batch", batch, "linecount fill_with", 1},
    {"slice", slices, "slices fill_with", 1},
    {"attr", attribute, "name", 1},
    {"random", no_random},
};

}  // namespace

AttributePath::AttributePath(const Value& attribute, Value fallback)
    : fallback_(std::move(fallback)) {
  if (attribute.is(Type::none)) return;
  if (!attribute.is(Type::string)) {
    parts_.push_back(attribute);
    return;
  }
  std::string_view rest = attribute.text();
  for (bool more = true; more;) {
    if (parts_.size() == kMaxNesting) throw Error("the attribute has too many dots");
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    more = dot < rest.size();
    rest.remove_prefix(dot + more);
    const bool is_index = !part.empty() && part.size() < 19 &&
                          part.find_first_not_of("0123456789") == std::string_view::npos;
    parts_.push_back(is_index ? Value::integer(std::stoll(std::string(part)))
                              : Value::string(std::string(part), nullptr));
  }
}

Value AttributePath::operator()(Interpreter& with, Value value) const {
  for (const Value& part : parts_) {
    with.meter.step();
    value = with.item(value, part);
    if (!fallback_.is(Type::unset) && value.is(Type::undefined)) value = fallback_;
  }
  return value;
}

Value ignore_case(Interpreter& with, const Value& value) {
  if (!value.is(Type::string)) return value;
  with.meter.scan(value.text());
  return with.string(to_lower(value.text()));
}

const Builtin* find_list_filter(std::string_view name) { return find_in(kListFilters, name); }

}  // namespace bantam::chat::jinja
