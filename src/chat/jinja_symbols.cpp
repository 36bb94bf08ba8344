// Loads and stores of a scope; see jinja_symbols.h.
#include "chat/jinja_symbols.h"

#include <algorithm>

#include "base/error.h"

namespace bantam::chat::jinja {

std::uint32_t Locals::slot(int level, const std::string& name) {
  const auto [found, is_new] = slots.try_emplace({level, name}, function->slots);
  if (is_new) ++function->slots;
  return found->second;
}

int context_index(std::vector<std::string>& context, const std::string& name) {
  const auto found = std::find(context.begin(), context.end(), name);
  if (found != context.end()) return static_cast<int>(found - context.begin());
  context.push_back(name);
  return static_cast<int>(context.size() - 1);
}

namespace {

// Looks for the first mention of a name: a read says yes, an assignment no.
class Search {
 public:
  explicit Search(const std::string& name) : name_(name) {}
  bool found() const { return found_; }

  void body(const Body& stmts) {
    for (const auto& stmt : stmts) statement(*stmt);
  }

 private:
  void statement(const Stmt& stmt) {
    if (stmt.kind == StmtKind::block) return;
    if (stmt.kind == StmtKind::set) {
      target(*stmt.target);
      expr(stmt.value);
      return;
    }
    if (stmt.target) target(*stmt.target);
    for (const ExprPtr& each : stmt.targets) target(*each);
    expr(stmt.value);
    for (const ExprPtr& each : stmt.exprs) expr(each);
    for (const Branch& branch : stmt.branches) {
      expr(branch.test);
      body(branch.body);
    }
    if (stmt.function) {
      for (const Parameter& parameter : stmt.function->parameters) assigned(parameter.name);
      for (const Parameter& parameter : stmt.function->parameters) expr(parameter.fallback);
      body(stmt.function->body);
    }
    body(stmt.body);
    body(stmt.otherwise);
    expr(stmt.test);
  }

  void target(const Expr& node) {
    if (node.kind == ExprKind::name) assigned(node.name);
    for (const ExprPtr& kid : node.kids) target(*kid);
  }

  void assigned(const std::string& name) {
    if (name == name_) over_ = true;
  }

  void expr(const ExprPtr& node) {
    if (!node || over_ || found_) return;
    if (node->kind == ExprKind::name && node->name == name_) found_ = true;
    for (const ExprPtr& kid : node->kids) expr(kid);
    if (!node->call) return;
    for (const ExprPtr& kid : node->call->positional) expr(kid);
    for (const auto& [name, kid] : node->call->named) expr(kid);
    expr(node->call->star);
    expr(node->call->double_star);
  }

  const std::string& name_;
  bool found_ = false, over_ = false;
};

}  // namespace

bool uses(const Body& body, const std::string& name) {
  Search search(name);
  search.body(body);
  return search.found();
}

bool Symbols::find(const std::string& name, Where* where) const {
  for (const Symbols* scope = this; scope; scope = scope->outer_) {
    const auto found = scope->refs_.find(name);
    if (found == scope->refs_.end()) continue;
    *where = {scope->locals_, found->second};
    return true;
  }
  return false;
}

std::uint32_t Symbols::define(const std::string& name, Origin origin) {
  const std::uint32_t slot = locals_->slot(level_, name);
  refs_[name] = slot;
  origins_.insert_or_assign(slot, std::move(origin));
  return slot;
}

Symbols::Origin Symbols::outer_or(From otherwise, const std::string& name) const {
  Where where;
  if (outer_ && outer_->find(name, &where)) return {From::outer, where, name};
  return {otherwise, {}, name};
}

void Symbols::load(const std::string& name) {
  Where where;
  if (!find(name, &where)) define(name, {From::context, {}, name});
}

void Symbols::store(const std::string& name) {
  stores_.insert(name);
  if (!refs_.contains(name)) define(name, outer_or(From::nothing, name));
}

void Symbols::store(const Expr& target) {
  if (target.kind == ExprKind::name) store(target.name);
  if (target.kind == ExprKind::namespace_attribute) load(target.name);
  for (const ExprPtr& kid : target.kids) store(*kid);
}

std::uint32_t Symbols::declare(const std::string& name) {
  stores_.insert(name);
  return define(name, {From::given, {}, name});
}

void Symbols::declare(const Expr& target) {
  if (target.kind == ExprKind::name) declare(target.name);
  for (const ExprPtr& kid : target.kids) declare(*kid);
}

void Symbols::see(const Expr& node) {
  if (node.kind == ExprKind::name) load(node.name);
  for (const ExprPtr& kid : node.kids)
    if (kid) see(*kid);
  if (!node.call) return;
  for (const ExprPtr& kid : node.call->positional) see(*kid);
  for (const auto& [name, kid] : node.call->named) see(*kid);
  if (node.call->star) see(*node.call->star);
  if (node.call->double_star) see(*node.call->double_star);
}

void Symbols::see(const Stmt& stmt) {
  switch (stmt.kind) {
    case StmtKind::output:
    case StmtKind::with:
      for (const ExprPtr& expr : stmt.exprs) see(*expr);
      break;
    case StmtKind::conditional:
      see_branches(stmt);
      break;
    case StmtKind::set:
      see(*stmt.value);
      store(*stmt.target);
      break;
    case StmtKind::set_block:
      store(*stmt.target);
      break;
    case StmtKind::loop:
    case StmtKind::call_block:
    case StmtKind::filter_block:
      see(*stmt.value);
      break;
    case StmtKind::macro:
      store(stmt.function->name);
      break;
    default:
      break;
  }
}

// Each branch is seen on its own; a name that only some of them assign keeps, on entry, what it has
// outside.
void Symbols::see_branches(const Stmt& stmt) {
  see(*stmt.branches[0].test);
  Symbols first = *this, middle = *this, last = *this;
  for (const auto& each : stmt.branches[0].body) first.see(*each);
  for (std::size_t i = 1; i < stmt.branches.size(); ++i) {
    const Branch& branch = stmt.branches[i];
    if (branch.test) {  // an elif is an if of its own behind the other ones
      middle.see(*branch.test);
      Symbols inside = middle;
      for (const auto& each : branch.body) inside.see(*each);
      middle.merge({&inside});
    } else {
      for (const auto& each : branch.body) last.see(*each);
    }
  }
  merge({&first, &middle, &last});
}

void Symbols::merge(std::initializer_list<const Symbols*> branches) {
  std::set<std::string> assigned;
  for (const Symbols* branch : branches)
    for (const std::string& name : branch->stores_)
      if (!stores_.contains(name)) assigned.insert(name);
  for (const Symbols* branch : branches) {
    for (const auto& [name, slot] : branch->refs_) refs_[name] = slot;
    for (const auto& [slot, origin] : branch->origins_) origins_.insert_or_assign(slot, origin);
    stores_.insert(branch->stores_.begin(), branch->stores_.end());
  }
  for (const std::string& name : assigned) {
    Where where;
    find(name, &where);
    origins_.insert_or_assign(where.slot, outer_or(From::context, name));
  }
}

Scope Symbols::scope() const {
  Scope out;
  for (const auto& [slot, origin] : origins_) {
    out.slots.push_back(slot);
    if (origin.from == From::given) continue;
    Load load;
    load.slot = slot;
    if (origin.from == From::outer) {
      load.from = Load::From::outer;
      load.outer.index = origin.outer.slot;
      load.outer.hops = locals_->depth - origin.outer.locals->depth;
    } else if (origin.from == From::context) {
      load.from = Load::From::context;
      load.context = context_index(*context_, origin.name);
    }
    out.loads.push_back(load);
  }
  return out;
}

Slot Symbols::slot(const std::string& name, const Locals& from) const {
  Where where;
  Slot out;
  if (!find(name, &where)) throw Error("the variable '" + printable(name) + "' was not seen");
  out.hops = from.depth - where.locals->depth;
  out.index = where.slot;
  return out;
}

}  // namespace bantam::chat::jinja
