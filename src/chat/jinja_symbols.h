// The names that one scope of a template loads and stores, and the slots they get.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "chat/jinja_ast.h"

namespace bantam::chat::jinja {

// The slots of a function under construction: one for each name and level of nesting.
struct Locals {
  Locals(Locals* parent, Function* of)
      : outer(parent), function(of), depth(parent ? parent->depth + 1 : 0) {}
  std::uint32_t slot(int level, const std::string& name);

  Locals* outer;
  Function* function;
  std::uint32_t depth;
  std::map<std::pair<int, std::string>, std::uint32_t> slots;
};

int context_index(std::vector<std::string>& context, const std::string& name);

// Whether `name` is read in the body, nested bodies included, before it is assigned to.
bool uses(const Body& body, const std::string& name);

class Symbols {
 public:
  Symbols(const Symbols* outer, Locals& locals, std::vector<std::string>& context)
      : outer_(outer),
        locals_(&locals),
        context_(&context),
        level_(outer ? outer->level_ + 1 : 0) {}

  // Notes what a statement or expression of this scope reads and assigns; not what stands inside
  // scopes of its own.
  void see(const Stmt& stmt);
  void see(const Expr& expr);
  // A name that is given its value by whoever enters the scope.
  std::uint32_t declare(const std::string& name);
  void declare(const Expr& target);

  Scope scope() const;
  // Where the name lives, seen from `from`. It has been seen before.
  Slot slot(const std::string& name, const Locals& from) const;

 private:
  struct Where {
    const Locals* locals = nullptr;
    std::uint32_t slot = 0;
  };
  enum class From { context, outer, nothing, given };
  struct Origin {
    From from;
    Where outer;
    std::string name;
  };

  bool find(const std::string& name, Where* where) const;
  std::uint32_t define(const std::string& name, Origin origin);
  void load(const std::string& name);
  void store(const std::string& name);
  void store(const Expr& target);
  void see_branches(const Stmt& stmt);
  void merge(std::initializer_list<const Symbols*> branches);
  Origin outer_or(From otherwise, const std::string& name) const;

  const Symbols* outer_;
  Locals* locals_;
  std::vector<std::string>* context_;
  int level_;
  std::map<std::string, std::uint32_t> refs_;
  std::map<std::uint32_t, Origin> origins_;
  std::set<std::string> stores_;
};

}  // namespace bantam::chat::jinja
