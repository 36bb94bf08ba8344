// Macros, call blocks, and calls of whatever can be called.
#include <algorithm>

#include "base/error.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_run.h"

namespace bantam::chat::jinja {

Interpreter::Activated::Activated(Interpreter& with, const Function& function, Activation* outer)
    : with_(with), own_(std::make_unique<Activation>()), before_(with.current_) {
  if (with.calls_ >= with.limits_.calls)
    throw Error("more than " + std::to_string(with.limits_.calls) +
                " macros or loops call each other; one may call itself without end");
  own_->slots.resize(function.slots);
  own_->outer = outer;
  ++with.calls_;
  with.current_ = own_.get();
}

Interpreter::Activated::~Activated() {
  --with_.calls_;
  with_.current_ = before_;
  if (own_->captured) with_.kept_.push_back(std::move(own_));
}

Value Interpreter::make_macro(const Function& function) {
  auto macro = std::make_shared<Macro>();
  macro->charge(&meter, sizeof(Macro));
  macro->function = &function;
  macro->home = current_;
  // Every function around it must outlive it. The variables stay on the render's account, as they
  // are freed at its end only.
  for (Activation* each = current_; each && !each->captured; each = each->outer) {
    each->captured = true;
    meter.take(sizeof(Activation) + each->slots.size() * sizeof(Value));
  }
  return Value(Type::macro, std::move(macro));
}

Value Interpreter::call(const Value& callee, Arguments arguments) {
  meter.step();
  switch (callee.type()) {
    case Type::macro:
      return call_macro(callee.as<Macro>(), arguments);
    case Type::function:
    case Type::method: {
      const Callable& callable = callee.as<Callable>();
      return run_builtin(*callable.builtin, callable.self, std::move(arguments));
    }
    case Type::loop: {
      if (arguments.positional.size() != 1 || !arguments.named.empty())
        throw Error("loop() takes one value to walk");
      return recurse(callee.as<Loop>(), arguments.positional[0]);
    }
    case Type::joiner: {
      Joiner& joiner = callee.as<Joiner>();
      return std::exchange(joiner.used, true) ? joiner.separator : string({});
    }
    default:
      require_defined(callee);
      throw Error("a value of type '" + type_name(callee) + "' cannot be called");
  }
}

// Leaves one value for each parameter, and the names that are left over.
void Interpreter::bind_macro(const Function& function, Arguments& arguments) {
  const std::string label = "the macro '" + function.name + "' ";
  Values& given = arguments.positional;
  if (given.size() > function.parameters.size() && function.varargs < 0)
    throw Error(label + "takes not more than " + std::to_string(function.parameters.size()) +
                " argument(s)");
  for (std::size_t i = given.size(); i < function.parameters.size(); ++i) {
    const std::string& name = function.parameters[i].name;
    const auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& each) { return each.first == name; });
    given.push_back(found == arguments.named.end() ? Value() : std::move(found->second));
    if (found != arguments.named.end()) arguments.named.erase(found);
  }
}

Value Interpreter::call_macro(const Macro& macro, Arguments& arguments) {
  const Function& function = *macro.function;
  bind_macro(function, arguments);
  const std::uint64_t line = line_;
  const Activated inner(*this, function, macro.home);
  enter(function.scope);
  const auto slot = [this](int index) -> Value& {
    return current_->slots[static_cast<std::size_t>(index)];
  };
  if (function.caller >= 0) {
    slot(function.caller) = undefined("no caller is defined");
    for (auto each = arguments.named.begin(); each != arguments.named.end(); ++each) {
      if (each->first != "caller") continue;
      slot(function.caller) = std::move(each->second);
      arguments.named.erase(each);
      break;
    }
  }
  if (function.kwargs >= 0) {
    std::vector<std::pair<Value, Value>> entries;
    for (auto& [name, value] : arguments.named) entries.emplace_back(string(name), value);
    slot(function.kwargs) = dict(std::move(entries));
  } else if (!arguments.named.empty()) {
    throw Error("the macro '" + function.name + "' takes no argument named '" +
                printable(arguments.named[0].first) + "'");
  }
  const auto count = static_cast<std::ptrdiff_t>(function.parameters.size());
  if (function.varargs >= 0)
    slot(function.varargs) =
        tuple(Values(arguments.positional.begin() + count, arguments.positional.end()));
  for (std::size_t i = 0; i < function.parameters.size(); ++i)
    current_->slots[function.parameters[i].slot] = arguments.positional[i];
  for (const Parameter& parameter : function.parameters) {
    if (!current_->slots[parameter.slot].is(Type::unset)) continue;
    Value value = parameter.fallback
                      ? eval(*parameter.fallback)
                      : undefined("the parameter '" + parameter.name + "' was not given");
    current_->slots[parameter.slot] = std::move(value);
  }
  Capture capture(*this);
  body(function.body);
  line_ = line;
  return string(capture.take());
}

void Interpreter::run_call_block(const Stmt& stmt) {
  const Value caller = make_macro(*stmt.function);
  const Value callee = eval(*stmt.value->kids[0]);
  Arguments arguments = eval_arguments(stmt.value->call.get());
  arguments.named.emplace_back("caller", caller);
  line_ = stmt.line;
  write_value(call(callee, std::move(arguments)));
}

void Interpreter::run_generation(const Stmt& stmt) {
  const Activated inner(*this, *stmt.function, current_);
  enter(stmt.function->scope);
  body(stmt.function->body);
}

Value Interpreter::run_builtin(const Builtin& builtin, const Value& self, Arguments arguments) {
  meter.step();
  if (!builtin.run)
    throw Error("'" + std::string(builtin.name) + "' of '" + type_name(self) +
                "' is kept from templates, as it changes the value");
  bind(builtin, arguments);
  return builtin.run(*this, self, arguments);
}

void bind(const Builtin& builtin, Arguments& arguments) {
  if (builtin.parameters == "*") return;
  std::vector<std::string_view> names;
  for (std::string_view rest = builtin.parameters; !rest.empty();) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    names.push_back(rest.substr(0, space));
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  const std::string label = "'" + std::string(builtin.name) + "' ";
  Values& given = arguments.positional;
  if (given.size() > names.size())
    throw Error(label + "takes at most " + std::to_string(names.size()) + " argument(s), not " +
                std::to_string(given.size()));
  given.resize(names.size());
  for (auto& [name, value] : arguments.named) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw Error(label + "takes no argument named '" + printable(name) + "'");
    Value& place = given[static_cast<std::size_t>(found - names.begin())];
    if (!place.is(Type::unset)) throw Error(label + "got the argument '" + name + "' twice");
    place = std::move(value);
  }
  for (int i = 0; i < builtin.required; ++i)
    if (given[static_cast<std::size_t>(i)].is(Type::unset))
      throw Error(label + "needs the argument '" + std::string(names[static_cast<std::size_t>(i)]) +
                  "'");
}

}  // namespace bantam::chat::jinja
