// Expressions of a template as they run.
#include <algorithm>

#include "base/error.h"
#include "chat/jinja_arithmetic.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

Value Interpreter::eval(const Expr& expr) {
  const Nested nested(*this);
  meter.step();
  switch (expr.kind) {
    case ExprKind::constant:
      return expr.value;
    case ExprKind::name: {
      const Value& value = variable(expr.slot);
      if (!value.is(Type::unset)) return value;
      return undefined("'" + expr.name + "' is undefined");
    }
    case ExprKind::list:
    case ExprKind::tuple:
      return eval_list(expr);
    case ExprKind::dict:
      return eval_dict(expr);
    case ExprKind::attribute: {
      const Value object = eval(*expr.kids[0]);
      line_ = expr.line;
      return attribute(object, expr.name);
    }
    case ExprKind::item: {
      const Value object = eval(*expr.kids[0]);
      const Value key = eval(*expr.kids[1]);
      line_ = expr.line;
      return item(object, key);
    }
    case ExprKind::slice:
      return eval_slice(expr);
    case ExprKind::call:
      return eval_call(expr);
    case ExprKind::filter:
      return eval_filter(expr, nullptr);
    case ExprKind::test:
      return eval_test(expr);
    case ExprKind::conditional:
      if (truth(eval(*expr.kids[0]))) return eval(*expr.kids[1]);
      if (expr.kids[2]) return eval(*expr.kids[2]);
      return undefined("the inline if of line " + std::to_string(expr.line) +
                       " was false and has no else");
    case ExprKind::logical_or: {
      Value left = eval(*expr.kids[0]);
      return truth(left) ? left : eval(*expr.kids[1]);
    }
    case ExprKind::logical_and: {
      Value left = eval(*expr.kids[0]);
      return truth(left) ? eval(*expr.kids[1]) : left;
    }
    case ExprKind::logical_not:
      return Value::boolean(!truth(eval(*expr.kids[0])));
    case ExprKind::negative:
    case ExprKind::positive: {
      const Value value = eval(*expr.kids[0]);
      line_ = expr.line;
      return expr.kind == ExprKind::negative ? negative(value) : positive(value);
    }
    case ExprKind::binary: {
      const Value left = eval(*expr.kids[0]);
      const Value right = eval(*expr.kids[1]);
      line_ = expr.line;
      return arithmetic(*this, expr.op, left, right);
    }
    case ExprKind::compare:
      return eval_compare(expr);
    case ExprKind::concat:
      return eval_concat(expr);
    case ExprKind::namespace_attribute:
      break;
  }
  throw Error("the expression cannot be evaluated");
}

Value Interpreter::eval_list(const Expr& expr) {
  Values items;
  items.reserve(expr.kids.size());
  for (const ExprPtr& kid : expr.kids) items.push_back(eval(*kid));
  line_ = expr.line;
  return expr.kind == ExprKind::list ? list(std::move(items)) : tuple(std::move(items));
}

Value Interpreter::eval_dict(const Expr& expr) {
  std::vector<std::pair<Value, Value>> entries;
  for (std::size_t i = 0; i < expr.kids.size(); i += 2) {
    Value key = eval(*expr.kids[i]);
    entries.emplace_back(std::move(key), eval(*expr.kids[i + 1]));
  }
  line_ = expr.line;
  return dict(std::move(entries));
}

Value Interpreter::eval_slice(const Expr& expr) {
  const Value object = eval(*expr.kids[0]);
  Value bounds[3];
  for (std::size_t i = 0; i < 3; ++i)
    bounds[i] = expr.kids[i + 1] ? eval(*expr.kids[i + 1]) : Value::none();
  line_ = expr.line;
  return slice(object, bounds[0], bounds[1], bounds[2]);
}

Arguments Interpreter::eval_arguments(const CallSyntax* call) {
  Arguments out;
  if (!call) return out;
  out.positional.reserve(call->positional.size());
  for (const ExprPtr& kid : call->positional) out.positional.push_back(eval(*kid));
  for (const auto& [name, kid] : call->named) out.named.emplace_back(name, eval(*kid));
  if (call->star)
    for (Value& value : to_values(eval(*call->star))) out.positional.push_back(std::move(value));
  if (!call->double_star) return out;
  const Value named = eval(*call->double_star);
  if (!named.is(Type::dict)) throw Error("the value behind ** must be a dict");
  for (const auto& [name, value] : named.dict().entries) {
    if (!name.is(Type::string)) throw Error("the names behind ** must be strings");
    for (const auto& [other, taken] : out.named)
      if (other == name.text())
        throw Error("the argument '" + printable(other) + "' is given twice");
    out.named.emplace_back(name.text(), value);
  }
  return out;
}

Value Interpreter::eval_call(const Expr& expr) {
  const Expr& target = *expr.kids[0];
  // A method that is called at once needs no object of its own.
  if (target.kind == ExprKind::attribute) {
    const Value self = eval(*target.kids[0]);
    const Builtin* method = find_method(self.type(), target.name);
    line_ = target.line;
    const Value callee = method && method->run ? Value() : attribute(self, target.name);
    Arguments arguments = eval_arguments(expr.call.get());
    line_ = expr.line;
    if (callee.is(Type::unset)) return run_builtin(*method, self, std::move(arguments));
    return call(callee, std::move(arguments));
  }
  const Value callee = eval(target);
  Arguments arguments = eval_arguments(expr.call.get());
  line_ = expr.line;
  return call(callee, std::move(arguments));
}

Value Interpreter::eval_filter(const Expr& expr, const Value* input) {
  const Value value = expr.kids[0] ? expr.kids[0]->kind == ExprKind::filter
                                         ? eval_filter(*expr.kids[0], input)
                                         : eval(*expr.kids[0])
                                   : *input;
  Arguments arguments = eval_arguments(expr.call.get());
  line_ = expr.line;
  if (!expr.builtin) throw Error("there is no filter named '" + printable(expr.name) + "'");
  return run_builtin(*expr.builtin, value, std::move(arguments));
}

Value Interpreter::eval_test(const Expr& expr) {
  const Value value = eval(*expr.kids[0]);
  Arguments arguments = eval_arguments(expr.call.get());
  line_ = expr.line;
  if (!expr.builtin) throw Error("there is no test named '" + printable(expr.name) + "'");
  return run_builtin(*expr.builtin, value, std::move(arguments));
}

Value Interpreter::eval_compare(const Expr& expr) {
  Value left = eval(*expr.kids[0]);
  for (std::size_t i = 0; i < expr.ops.size(); ++i) {
    Value right = eval(*expr.kids[i + 1]);
    line_ = expr.line;
    bool holds = false;
    switch (expr.ops[i]) {
      case CompareOp::equal:
        holds = equal(meter, left, right);
        break;
      case CompareOp::unequal:
        holds = !equal(meter, left, right);
        break;
      case CompareOp::less:
        holds = compare(meter, left, right, "<") < 0;
        break;
      case CompareOp::less_equal:
        holds = compare(meter, left, right, "<=") <= 0;
        break;
      case CompareOp::greater:
        holds = compare(meter, left, right, ">") > 0;
        break;
      case CompareOp::greater_equal:
        holds = compare(meter, left, right, ">=") >= 0;
        break;
      case CompareOp::in:
        holds = contains(right, left);
        break;
      case CompareOp::not_in:
        holds = !contains(right, left);
        break;
    }
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::eval_concat(const Expr& expr) {
  Sink out(meter);
  for (const ExprPtr& kid : expr.kids) {
    const Value value = eval(*kid);
    if (value.is(Type::string))
      out.append(value.text());
    else
      out.append(to_text(*this, value));
  }
  return string(out.take());
}

}  // namespace bantam::chat::jinja
