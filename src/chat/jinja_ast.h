// The parsed template. Names are resolved to slots before the first render (jinja_scope.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

struct Builtin;
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// A variable: slot `index` of the function that is `hops` functions further out.
struct Slot {
  std::uint32_t hops = 0, index = 0;
  int exported = -1;  // stored at the top level: the context entry that blocks read it from
};

enum class ExprKind : std::uint8_t {
  constant,
  name,
  namespace_attribute,  // only a target of set: `name`.`attribute`
  list,
  tuple,
  dict,         // key, value, key, value ...
  attribute,    // kids[0].name
  item,         // kids[0][kids[1]]
  slice,        // kids[0][kids[1]:kids[2]:kids[3]]; the last three may be null
  call,         // kids[0](call)
  filter,       // kids[0]|name(call); kids[0] is null in a filter block
  test,         // kids[0] is name(call)
  conditional,  // kids[1] if kids[0] else kids[2], which may be null
  logical_or,
  logical_and,
  logical_not,
  negative,
  positive,
  binary,
  compare,  // kids[0] ops[0] kids[1] ops[1] kids[2] ...
  concat,   // kids joined by ~
};

enum class BinaryOp : std::uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class CompareOp : std::uint8_t {
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};

struct CallSyntax {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, double_star;  // *args, **kwargs
};

struct Expr {
  ExprKind kind = ExprKind::constant;
  BinaryOp op = BinaryOp::add;
  std::uint64_t line = 0;
  int depth = 1;  // of the tree below
  Value value;    // constant
  std::string name, attribute;
  std::vector<ExprPtr> kids;
  std::vector<CompareOp> ops;
  std::unique_ptr<CallSyntax> call;
  const Builtin* builtin = nullptr;  // filter or test; null: unknown, an error when it runs
  Slot slot;
};

// What happens to the variables of a scope when it is entered and left.
struct Load {
  enum class From : std::uint8_t { context, outer, nothing };
  From from = From::nothing;
  std::uint32_t slot = 0;
  Slot outer;        // From::outer
  int context = -1;  // From::context
};
struct Scope {
  std::vector<Load> loads;
  std::vector<std::uint32_t> slots;  // unset on leaving
};

enum class StmtKind : std::uint8_t {
  data,
  output,
  conditional,
  loop,
  set,
  set_block,
  macro,
  call_block,
  filter_block,
  with,
  block,
  generation,
  break_loop,
  continue_loop,
};

struct Stmt;
using Body = std::vector<std::unique_ptr<Stmt>>;

struct Parameter {
  std::string name;
  ExprPtr fallback;  // null: none
  std::uint32_t slot = 0;
};

// What has variables of its own: the template, a macro, the body of a call block, a recursive loop.
struct Function {
  std::string name;
  std::uint32_t slots = 0;
  std::vector<Parameter> parameters;
  // Slots of the names that a macro has without declaring them, where its body uses them.
  int caller = -1, kwargs = -1, varargs = -1;
  bool explicit_caller = false;
  Scope scope;
  Body body;
};

struct Branch {
  ExprPtr test;  // null: else
  Body body;
};

struct Stmt {
  StmtKind kind = StmtKind::data;
  std::uint64_t line = 0;
  std::string text;            // data; the name of a block
  std::vector<ExprPtr> exprs;  // output: what is printed; with: the values
  ExprPtr target;              // set, set_block, loop
  ExprPtr value;               // set; loop: what it walks; call_block: the call; filters
  ExprPtr test;                // loop
  std::vector<Branch> branches;
  std::vector<ExprPtr> targets;  // with
  Body body, otherwise;          // loop: body and else
  Scope scope, else_scope;
  Slot slot;  // macro: where it is stored
  // loop
  bool recursive = false;
  bool uses_loop = false;
  std::uint32_t loop_slot = 0;
  std::unique_ptr<Function> test_function;  // its body is empty: only the slots and loads count
  ExprPtr test_target;                      // the target with the slots of the test
  std::unique_ptr<Function> function;       // macro, call_block, generation, block; recursive loop
};

struct Template {
  Function main;
  std::vector<std::string> context;  // the names looked up outside the template
};

}  // namespace bantam::chat::jinja
