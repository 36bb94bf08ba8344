// Names to slots; see jinja_scope.h.
#include "chat/jinja_scope.h"

#include <functional>
#include <map>
#include <set>

#include "base/error.h"
#include "chat/jinja_symbols.h"

namespace bantam::chat::jinja {

namespace {

class Resolver {
 public:
  explicit Resolver(Template& out) : out_(out) {}

  void run() {
    has_blocks_ = contains_block(out_.main.body);
    Locals locals{nullptr, &out_.main};
    Symbols symbols(nullptr, locals, out_.context);
    for (const auto& stmt : out_.main.body) symbols.see(*stmt);
    out_.main.scope = symbols.scope();
    Frame frame{&symbols, &locals};
    frame.top = true;
    body(out_.main.body, frame);
  }

 private:
  struct Frame {
    Symbols* symbols;
    Locals* locals;
    bool top = false;   // of the template, where sets are seen by blocks
    bool soft = false;  // inside an if: unknown filters wait until they run

    Frame softened() const {
      Frame out = *this;
      out.soft = true;
      return out;
    }
  };

  static bool contains_block(const Body& stmts) {
    for (const auto& stmt : stmts) {
      if (stmt->kind == StmtKind::block || contains_block(stmt->body) ||
          contains_block(stmt->otherwise) ||
          (stmt->function && contains_block(stmt->function->body)))
        return true;
      for (const Branch& branch : stmt->branches)
        if (contains_block(branch.body)) return true;
    }
    return false;
  }

  Slot slot_of(const std::string& name, const Frame& frame) const {
    return frame.symbols->slot(name, *frame.locals);
  }

  void body(Body& stmts, const Frame& frame) {
    for (const auto& stmt : stmts) statement(*stmt, frame);
  }

  // --- expressions

  void expression(Expr& node, const Frame& frame) {
    if (node.kind == ExprKind::name || node.kind == ExprKind::namespace_attribute)
      node.slot = slot_of(node.name, frame);
    if ((node.kind == ExprKind::filter || node.kind == ExprKind::test) && !node.builtin &&
        !frame.soft)
      throw Error(std::string("there is no ") +
                  (node.kind == ExprKind::filter ? "filter" : "test") + " named '" +
                  printable(node.name) + "'")
          .line(node.line);
    const Frame inner = node.kind == ExprKind::conditional ? frame.softened() : frame;
    for (const ExprPtr& kid : node.kids)
      if (kid) expression(*kid, inner);
    if (!node.call) return;
    for (const ExprPtr& kid : node.call->positional) expression(*kid, inner);
    for (const auto& [name, kid] : node.call->named) expression(*kid, inner);
    if (node.call->star) expression(*node.call->star, inner);
    if (node.call->double_star) expression(*node.call->double_star, inner);
  }

  void store(Expr& target, const Frame& frame) {
    if (target.kind == ExprKind::tuple) {
      for (const ExprPtr& kid : target.kids) store(*kid, frame);
      return;
    }
    if (target.kind == ExprKind::name && target.name == "loop" && loops_ > 0)
      throw Error("the variable 'loop' cannot be set inside a loop").line(target.line);
    target.slot = slot_of(target.name, frame);
    if (target.kind == ExprKind::name) note_export(target.slot, target.name, frame);
  }

  void note_export(Slot& slot, const std::string& name, const Frame& frame) {
    if (frame.top && has_blocks_) slot.exported = context_index(out_.context, name);
  }

  // --- statements

  void statement(Stmt& stmt, const Frame& frame) {
    switch (stmt.kind) {
      case StmtKind::output:
        for (const ExprPtr& expr : stmt.exprs) expression(*expr, frame);
        break;
      case StmtKind::conditional:
        for (Branch& branch : stmt.branches) {
          if (branch.test) expression(*branch.test, frame.softened());
          body(branch.body, frame.softened());
        }
        break;
      case StmtKind::set:
        expression(*stmt.value, frame);
        store(*stmt.target, frame);
        break;
      case StmtKind::loop:
        loop(stmt, frame);
        break;
      case StmtKind::set_block:
        inner_scope(stmt, frame, [&](Symbols& symbols) {
          see_body(stmt.body, symbols);
          if (stmt.value) symbols.see(*stmt.value);
        });
        store(*stmt.target, frame);
        break;
      case StmtKind::filter_block:
        inner_scope(stmt, frame, [&](Symbols& symbols) {
          see_body(stmt.body, symbols);
          symbols.see(*stmt.value);
        });
        break;
      case StmtKind::with:
        with(stmt, frame);
        break;
      case StmtKind::macro:
        function(*stmt.function, frame, &stmt);
        stmt.slot = slot_of(stmt.function->name, frame);
        note_export(stmt.slot, stmt.function->name, frame);
        break;
      case StmtKind::call_block:
        function(*stmt.function, frame, &stmt);
        expression(*stmt.value, frame);
        break;
      case StmtKind::generation:
        function(*stmt.function, frame, &stmt);
        break;
      case StmtKind::block:
        block(stmt);
        break;
      case StmtKind::data:
      case StmtKind::break_loop:
      case StmtKind::continue_loop:
        break;
    }
  }

  static void see_body(const Body& stmts, Symbols& symbols) {
    for (const auto& stmt : stmts) symbols.see(*stmt);
  }

  // A scope inside the same function, for a captured body with a filter.
  void inner_scope(Stmt& stmt, const Frame& frame, const std::function<void(Symbols&)>& see) {
    Symbols symbols(frame.symbols, *frame.locals, out_.context);
    see(symbols);
    stmt.scope = symbols.scope();
    const Frame inner{&symbols, frame.locals};
    body(stmt.body, inner);
    if (stmt.value) expression(*stmt.value, inner);
  }

  void with(Stmt& stmt, const Frame& frame) {
    Symbols symbols(frame.symbols, *frame.locals, out_.context);
    for (const ExprPtr& target : stmt.targets) symbols.declare(*target);
    see_body(stmt.body, symbols);
    stmt.scope = symbols.scope();
    const Frame inner{&symbols, frame.locals};
    for (const ExprPtr& value : stmt.exprs) expression(*value, frame);
    for (const ExprPtr& target : stmt.targets) store(*target, inner);
    body(stmt.body, inner);
  }

  void loop(Stmt& stmt, const Frame& frame) {
    expression(*stmt.value, frame);
    ++loops_;
    stmt.uses_loop = stmt.recursive || uses(stmt.body, "loop");
    // A recursive loop is a function that calls itself; another one shares its function's slots.
    if (stmt.recursive) stmt.function = std::make_unique<Function>();
    Locals own{frame.locals, stmt.function.get()};
    Locals& locals = stmt.recursive ? own : *frame.locals;

    Symbols symbols(frame.symbols, locals, out_.context);
    if (stmt.uses_loop) stmt.loop_slot = symbols.declare("loop");
    symbols.declare(*stmt.target);
    see_body(stmt.body, symbols);
    stmt.scope = symbols.scope();

    Symbols else_symbols(frame.symbols, locals, out_.context);
    see_body(stmt.otherwise, else_symbols);
    stmt.else_scope = else_symbols.scope();

    if (stmt.test) loop_test(stmt, frame, locals);
    const Frame inner{&symbols, &locals};
    store(*stmt.target, inner);
    body(stmt.body, inner);
    body(stmt.otherwise, Frame{&else_symbols, &locals});
    --loops_;
  }

  // The condition of a loop runs as a function of its own, between the items and the body.
  void loop_test(Stmt& stmt, const Frame& frame, Locals& locals) {
    stmt.test_function = std::make_unique<Function>();
    Locals own{&locals, stmt.test_function.get()};
    Symbols symbols(frame.symbols, own, out_.context);
    symbols.declare(*stmt.target);
    symbols.see(*stmt.test);
    stmt.test_function->scope = symbols.scope();
    const Frame inner{&symbols, &own};
    stmt.test_target = copy_target(*stmt.target);
    store(*stmt.test_target, inner);
    expression(*stmt.test, inner);
  }

  static ExprPtr copy_target(const Expr& target) {
    auto out = std::make_unique<Expr>();
    out->kind = target.kind;
    out->line = target.line;
    out->name = target.name;
    for (const ExprPtr& kid : target.kids) out->kids.push_back(copy_target(*kid));
    return out;
  }

  void function(Function& function, const Frame& frame, const Stmt* stmt) {
    Locals locals{frame.locals, &function};
    Symbols symbols(frame.symbols, locals, out_.context);
    for (Parameter& parameter : function.parameters) {
      parameter.slot = symbols.declare(parameter.name);
      if (parameter.name == "caller") {
        function.explicit_caller = true;
        if (!parameter.fallback && uses(function.body, "caller"))
          throw Error("the parameter 'caller' needs a default").line(stmt->line);
      }
    }
    for (const Parameter& parameter : function.parameters)
      if (parameter.fallback) symbols.see(*parameter.fallback);
    see_body(function.body, symbols);
    const auto special = [&](const char* name) {
      for (const Parameter& parameter : function.parameters)
        if (parameter.name == name) return -1;
      return uses(function.body, name) ? static_cast<int>(symbols.declare(name)) : -1;
    };
    if (stmt->kind != StmtKind::generation) {
      function.caller = special("caller");
      function.kwargs = special("kwargs");
      function.varargs = special("varargs");
    }
    function.scope = symbols.scope();
    const Frame inner{&symbols, &locals};
    for (const Parameter& parameter : function.parameters)
      if (parameter.fallback) expression(*parameter.fallback, inner);
    body(function.body, inner);
  }

  // A block sees the variables from outside the template and those set at its top level.
  void block(Stmt& stmt) {
    Locals locals{nullptr, stmt.function.get()};
    Symbols symbols(nullptr, locals, out_.context);
    see_body(stmt.function->body, symbols);
    stmt.function->scope = symbols.scope();
    body(stmt.function->body, Frame{&symbols, &locals});
  }

  Template& out_;
  bool has_blocks_ = false;
  int loops_ = 0;
};

}  // namespace

void resolve_names(Template& out) { Resolver(out).run(); }

}  // namespace bantam::chat::jinja
