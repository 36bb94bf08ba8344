// Statements of a template as they run.
#include "chat/jinja_interpreter.h"

#include <algorithm>

#include "base/error.h"
#include "chat/jinja_print.h"
#include "chat/jinja_run.h"

namespace bantam::chat::jinja {

Interpreter::Interpreter(const Template& tree, const TemplateLimits& limits,
                         std::size_t input_bytes, std::optional<LocalTime> now)
    : tree_(tree), limits_(limits), now_(now) {
  meter.steps_left = limits.steps + input_bytes;
  meter.limit = limits.memory + 3 * input_bytes;
  limits_.output += input_bytes;
}

// Namespaces, macros' variables and `loop` can hold themselves: the circles are cut here.
Interpreter::~Interpreter() {
  for (const auto& each : namespaces_) each->attributes.clear();
  for (const Value& each : changing_loops_) each.as<Loop>().changed = Value();
  for (const auto& each : kept_) each->slots.clear();
}

LocalTime Interpreter::now() const { return now_ ? *now_ : current_local_time(); }

void Interpreter::too_deep() {
  throw Error("the template nests too deep while it runs; a macro may call itself without end");
}

std::string Interpreter::run(const std::vector<std::pair<std::string, Value>>& variables) {
  for (const std::string& name : tree_.context) {
    Value value;
    for (const auto& [key, given] : variables)
      if (key == name) value = given;
    if (value.is(Type::unset))
      if (const Builtin* function = find_function(name)) value = callable(*function, {});
    context_.push_back(std::move(value));
  }
  std::string out;
  out_ = page_ = &out;
  try {
    const Activated main(*this, tree_.main, nullptr);
    enter(tree_.main.scope);
    body(tree_.main.body);
  } catch (Error& error) {
    throw error.line(line_);
  }
  return out;
}

void Interpreter::write(std::string_view text) {
  if (text.size() > limits_.output - pending_)
    throw Error("the template writes more than " + std::to_string(limits_.output) + " bytes");
  meter.work(text.size());
  pending_ += text.size();
  *out_ += text;
}

void Interpreter::write_value(const Value& value) {
  if (value.is(Type::string))
    write(value.text());
  else
    write(to_text(*this, value));
}

void Interpreter::enter(const Scope& scope) {
  for (const Load& load : scope.loads) {
    Value& slot = current_->slots[load.slot];
    switch (load.from) {
      case Load::From::context:
        slot = context_[static_cast<std::size_t>(load.context)];
        break;
      case Load::From::outer:
        slot = variable(load.outer);
        break;
      case Load::From::nothing:
        slot = Value();
        break;
    }
  }
}

void Interpreter::leave(const Scope& scope) {
  for (const std::uint32_t slot : scope.slots) current_->slots[slot] = Value();
}

Value& Interpreter::variable(const Slot& slot) {
  Activation* home = current_;
  for (std::uint32_t i = 0; i < slot.hops; ++i) home = home->outer;
  return home->slots[slot.index];
}

void Interpreter::require_namespaces(const Expr& target) {
  if (target.kind == ExprKind::namespace_attribute && !variable(target.slot).is(Type::name_space))
    throw Error("an attribute can be set on a namespace only, which '" + target.name + "' is not");
  for (const ExprPtr& kid : target.kids) require_namespaces(*kid);
}

void Interpreter::assign(const Expr& target, Value value) {
  if (target.kind == ExprKind::name) {
    variable(target.slot) = value;
    if (target.slot.exported >= 0)
      context_[static_cast<std::size_t>(target.slot.exported)] = std::move(value);
    return;
  }
  if (target.kind == ExprKind::namespace_attribute) {
    const Value holder = variable(target.slot);
    if (!holder.is(Type::name_space)) return require_namespaces(target);
    Namespace& space = holder.as<Namespace>();
    const std::size_t before = space.attributes.entries.size();
    space.attributes.set(string(target.attribute), std::move(value));
    if (space.attributes.entries.size() > before) space.charge(&meter, 4 * sizeof(Value));
    return;
  }
  const Values items = to_values(value);
  if (items.size() != target.kids.size())
    throw Error((items.size() > target.kids.size() ? "too many values to unpack (expected "
                                                   : "not enough values to unpack (expected ") +
                std::to_string(target.kids.size()) + ")");
  for (std::size_t i = 0; i < items.size(); ++i) assign(*target.kids[i], items[i]);
}

Interpreter::Flow Interpreter::body(const Body& stmts) {
  for (const auto& stmt : stmts)
    if (const Flow flow = statement(*stmt); flow != Flow::next) return flow;
  return Flow::next;
}

Interpreter::Flow Interpreter::statement(const Stmt& stmt) {
  const Nested nested(*this);
  meter.step();
  line_ = stmt.line;
  switch (stmt.kind) {
    case StmtKind::data:
      write(stmt.text);
      return Flow::next;
    case StmtKind::output:
      for (const ExprPtr& expr : stmt.exprs) write_value(eval(*expr));
      return Flow::next;
    case StmtKind::conditional:
      return run_if(stmt);
    case StmtKind::loop:
      return run_loop(stmt);
    case StmtKind::set:
      run_set(stmt);
      return Flow::next;
    case StmtKind::set_block:
      return run_set_block(stmt);
    case StmtKind::filter_block:
      return run_filter_block(stmt);
    case StmtKind::with:
      return run_with(stmt);
    case StmtKind::macro: {
      Value macro = make_macro(*stmt.function);
      if (stmt.slot.exported >= 0) context_[static_cast<std::size_t>(stmt.slot.exported)] = macro;
      variable(stmt.slot) = std::move(macro);
      return Flow::next;
    }
    case StmtKind::call_block:
      run_call_block(stmt);
      return Flow::next;
    case StmtKind::generation:
      run_generation(stmt);
      return Flow::next;
    case StmtKind::block:
      run_block(stmt);
      return Flow::next;
    case StmtKind::break_loop:
      return Flow::broken;
    case StmtKind::continue_loop:
      return Flow::continued;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run_if(const Stmt& stmt) {
  for (const Branch& branch : stmt.branches)
    if (!branch.test || truth(eval(*branch.test))) return body(branch.body);
  return Flow::next;
}

void Interpreter::run_set(const Stmt& stmt) {
  if (stmt.target->kind != ExprKind::name) require_namespaces(*stmt.target);
  Value value = eval(*stmt.value);
  line_ = stmt.line;
  assign(*stmt.target, std::move(value));
}

Interpreter::Flow Interpreter::run_set_block(const Stmt& stmt) {
  enter(stmt.scope);
  Capture capture(*this);
  const Flow flow = body(stmt.body);
  Value text = string(capture.take());
  if (flow == Flow::next) {
    if (stmt.value) text = eval_filter(*stmt.value, &text);
    assign(*stmt.target, std::move(text));
  }
  leave(stmt.scope);
  return flow;
}

Interpreter::Flow Interpreter::run_filter_block(const Stmt& stmt) {
  enter(stmt.scope);
  Capture capture(*this);
  const Flow flow = body(stmt.body);
  const Value text = string(capture.take());
  if (flow == Flow::next) write_value(eval_filter(*stmt.value, &text));
  leave(stmt.scope);
  return flow;
}

Interpreter::Flow Interpreter::run_with(const Stmt& stmt) {
  enter(stmt.scope);
  for (std::size_t i = 0; i < stmt.targets.size(); ++i)
    assign(*stmt.targets[i], eval(*stmt.exprs[i]));
  const Flow flow = body(stmt.body);
  leave(stmt.scope);
  return flow;
}

void Interpreter::run_block(const Stmt& stmt) {
  const Activated inner(*this, *stmt.function, nullptr);
  enter(stmt.function->scope);
  body(stmt.function->body);
}

}  // namespace bantam::chat::jinja
