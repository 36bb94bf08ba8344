// Runs a parsed template. One interpreter serves one render.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "chat/chat_template.h"
#include "chat/jinja_ast.h"
#include "chat/jinja_builtins.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

// The variables of a function that runs.
struct Activation {
  Values slots;
  Activation* outer = nullptr;
  bool captured = false;  // a macro may still read them after the function has ended
};

struct Macro : Object {
  const Function* function = nullptr;
  Activation* home = nullptr;
};

// Yields the items of a value one by one, as Python's iter() does.
class Walk {
 public:
  // Throws Error when the value cannot be walked.
  explicit Walk(Value value);
  bool next(Interpreter& with, Value* out);
  // How many are left; generators know it too here.
  std::size_t left() const;

 private:
  Value value_;
  std::size_t at_ = 0;
};

// The variable `loop`.
struct Loop : Object {
  std::unique_ptr<Walk> walk;
  const Stmt* stmt = nullptr;
  Activation* home = nullptr;             // of the function that holds the loop
  std::unique_ptr<Activation> test_vars;  // of the loop's condition
  std::int64_t index0 = -1;
  std::int64_t known_length = -1;
  int depth0 = 0;
  bool ended = false;
  Value before, current, after, changed;  // unset when there is none
};

// Which text of a render was written while a loop stood at which message.
struct Trace {
  struct Stretch {
    std::size_t message, begin, end;  // bytes of the output
  };
  std::vector<const Object*> messages;  // in their order
  std::vector<Stretch> stretches;       // empty ones too; in the order of their ends
};

class Interpreter {
 public:
  Interpreter(const Template& tree, const TemplateLimits& limits, std::size_t input_bytes,
              std::optional<LocalTime> now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Renders with these variables (the context); those unset here are looked up among the functions.
  // Throws Error with the line.
  std::string run(const std::vector<std::pair<std::string, Value>>& variables);

  Meter meter;
  Trace* trace = nullptr;

  // Values that live on this render's account.
  Value string(std::string text, bool markup = false) {
    return Value::string(std::move(text), &meter, markup);
  }
  Value list(Values items) { return Value::list(std::move(items), &meter); }
  Value tuple(Values items) { return Value::list(std::move(items), &meter, Type::tuple); }
  Value iterator(Values items, std::string name = "generator");
  Value dict(std::vector<std::pair<Value, Value>> entries);
  Value undefined(std::string message) { return Value::undefined(std::move(message), &meter); }
  Value make_namespace();
  Value callable(const Builtin& builtin, Value self);

  // Python's access, by the rules of the sandbox (jinja_access.cpp).
  Value attribute(const Value& object, const std::string& name);
  Value item(const Value& object, const Value& key);
  Value slice(const Value& object, const Value& start, const Value& stop, const Value& step);
  bool contains(const Value& container, const Value& item);
  Values to_values(const Value& value);  // list()

  Value call(const Value& callee, Arguments arguments);
  Value run_builtin(const Builtin& builtin, const Value& self, Arguments arguments);

  // Attributes of `loop` (jinja_loop.cpp).
  Value loop_attribute(Loop& loop, const std::string& name);
  bool loop_changed(const Value& self, Value values);

  LocalTime now() const;

  // What keeps the native stack from running out, as long as it lives.
  class Nested {
   public:
    explicit Nested(Interpreter& with) : with_(with) {
      if (++with_.nesting_ > kMaxRunNesting) with_.too_deep();
    }
    ~Nested() { --with_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Interpreter& with_;
  };

 private:
  enum class Flow : std::uint8_t { next, broken, continued };
  // Statements and expressions inside each other, macros included; at some 500 bytes of native
  // stack each, a fraction of the smallest stack that a thread is given.
  static constexpr int kMaxRunNesting = 2000;
  [[noreturn]] void too_deep();

  // Statements (jinja_interpreter.cpp, jinja_loop.cpp, jinja_macro.cpp).
  Flow body(const Body& stmts);
  Flow statement(const Stmt& stmt);
  Flow run_if(const Stmt& stmt);
  Flow run_with(const Stmt& stmt);
  void run_set(const Stmt& stmt);
  Flow run_set_block(const Stmt& stmt);
  Flow run_filter_block(const Stmt& stmt);
  void run_block(const Stmt& stmt);
  void run_call_block(const Stmt& stmt);
  void run_generation(const Stmt& stmt);
  Flow run_loop(const Stmt& stmt);
  // The body of a loop for one item.
  Flow run_turn(const Stmt& stmt, const Object* item);
  Flow run_plain_loop(const Stmt& stmt, const Value& items);
  void run_loop_object(const Stmt& stmt, const Value& items, int depth0, Flow* flow);
  Value recurse(Loop& loop, const Value& items);
  bool loop_next(Loop& loop, Value* out);
  bool loop_fetch(Loop& loop, Value* out);
  std::int64_t loop_length(Loop& loop);
  const Value& loop_peek(Loop& loop);
  void write(std::string_view text);
  void write_value(const Value& value);
  void enter(const Scope& scope);
  void leave(const Scope& scope);
  Value& variable(const Slot& slot);
  void assign(const Expr& target, Value value);
  void require_namespaces(const Expr& target);

  // Runs with the output going into the text that comes back.
  class Capture;

  // Functions (jinja_macro.cpp).
  class Activated;
  Value call_macro(const Macro& macro, Arguments& arguments);
  void bind_macro(const Function& function, Arguments& arguments);
  Value make_macro(const Function& function);

  // Expressions (jinja_eval.cpp).
  Value eval(const Expr& expr);
  Value eval_list(const Expr& expr);
  Value eval_dict(const Expr& expr);
  Value eval_call(const Expr& expr);
  Value eval_filter(const Expr& expr, const Value* input);
  Value eval_test(const Expr& expr);
  Value eval_compare(const Expr& expr);
  Value eval_concat(const Expr& expr);
  Value eval_slice(const Expr& expr);
  Arguments eval_arguments(const CallSyntax* call);

  const Template& tree_;
  TemplateLimits limits_;
  std::optional<LocalTime> now_;
  Values context_;
  Activation* current_ = nullptr;
  std::vector<std::unique_ptr<Activation>> kept_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  Values changing_loops_;  // what loop.changed has kept can hold the loop itself
  std::string* out_ = nullptr;
  std::string* page_ = nullptr;  // what out_ is outside of every capture
  std::size_t pending_ = 0;  // bytes written and not yet taken, in all captures
  std::uint64_t line_ = 1;
  int nesting_ = 0;
  int calls_ = 0;
};

}  // namespace bantam::chat::jinja
