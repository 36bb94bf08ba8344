// map, select, reject, selectattr and rejectattr, which take other filters and tests by name; and
// the search through all tables of filters.
#include "chat/jinja_arguments.h"
#include "chat/jinja_filters.h"

namespace bantam::chat::jinja {

namespace {

// Nothing that is false is walked: none has no items here.
Values walked(Interpreter& with, const Value& value) {
  return truth(value) ? with.to_values(value) : Values();
}

Value map(Interpreter& with, const Value& self, Arguments& arguments) {
  Values out;
  if (arguments.positional.empty()) {
    Value path = Value::none(), otherwise;
    bool has_attribute = false;
    for (auto& [name, value] : arguments.named) {
      if (name != "attribute" && name != "default")
        throw Error("'map' takes no argument named '" + printable(name) + "'");
      has_attribute |= name == "attribute";
      (name == "attribute" ? path : otherwise) = std::move(value);
    }
    if (!has_attribute) throw Error("'map' needs the name of a filter, or attribute=");
    if (otherwise.is(Type::none)) otherwise = Value();
    const AttributePath attribute(path, std::move(otherwise));
    for (Value& item : walked(with, self)) out.push_back(attribute(with, std::move(item)));
    return with.iterator(std::move(out));
  }
  const std::string name = text(arguments.positional[0]);
  arguments.positional.erase(arguments.positional.begin());
  for (const Value& item : walked(with, self)) {
    const Builtin* filter = find_filter(name);
    if (!filter) throw Error("there is no filter named '" + printable(name) + "'");
    out.push_back(with.run_builtin(*filter, item, arguments));
  }
  return with.iterator(std::move(out));
}

// Keeps the items for which the test (or, without one, their truth) is `wanted`.
template <bool by_attribute, bool wanted>
Value choose(Interpreter& with, const Value& self, Arguments& arguments) {
  Values& given = arguments.positional;
  Value path = Value::none();
  if (by_attribute) {
    if (given.empty()) throw Error("the name of the attribute is missing");
    path = given[0];
    given.erase(given.begin());
  }
  const AttributePath attribute(path);
  const bool has_test = !given.empty();
  std::string name;
  if (has_test) {
    name = text(given[0]);
    given.erase(given.begin());
  }
  Values out;
  for (Value& item : walked(with, self)) {
    Value shown = attribute(with, item);
    if (has_test) {
      const Builtin* test = find_test(name);
      if (!test) throw Error("there is no test named '" + printable(name) + "'");
      shown = with.run_builtin(*test, shown, arguments);
    }
    if (truth(shown) == wanted) out.push_back(std::move(item));
  }
  return with.iterator(std::move(out));
}

constexpr Builtin kSelectFilters[] = {
    {"map", map, "*"},
    {"select", choose<false, true>, "*"},
    {"reject", choose<false, false>, "*"},
    {"selectattr", choose<true, true>, "*"},
    {"rejectattr", choose<true, false>, "*"},
};

}  // namespace

const Builtin* find_filter(std::string_view name) {
  for (const auto find : {find_text_filter, find_list_filter, find_number_filter})
    if (const Builtin* filter = find(name)) return filter;
  return find_in(kSelectFilters, name);
}

}  // namespace bantam::chat::jinja
