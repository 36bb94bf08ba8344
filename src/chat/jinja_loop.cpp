// The for statement and its variable `loop` (pallets/jinja, src/jinja2/runtime.py, LoopContext).
#include <algorithm>

#include "base/error.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_run.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

Walk::Walk(Value value) : value_(std::move(value)) {
  switch (value_.type()) {
    case Type::undefined:
    case Type::string:
    case Type::list:
    case Type::tuple:
    case Type::dict:
    case Type::range:
    case Type::view:
    case Type::iterator:
      break;
    default:
      throw Error("'" + type_name(value_) + "' object is not iterable");
  }
}

bool Walk::next(Interpreter& with, Value* out) {
  with.meter.step();
  switch (value_.type()) {
    case Type::string: {
      const std::string& text = value_.text();
      if (at_ >= text.size()) return false;
      const Rune rune = decode_rune(text, at_);
      *out = with.string(text.substr(at_, rune.size));
      at_ += rune.size;
      return true;
    }
    case Type::list:
    case Type::tuple:
      if (at_ >= value_.items().size()) return false;
      *out = value_.items()[at_++];
      return true;
    case Type::dict:
      if (at_ >= value_.dict().entries.size()) return false;
      *out = value_.dict().entries[at_++].first;
      return true;
    case Type::range: {
      const Range& range = value_.as<Range>();
      if (static_cast<std::int64_t>(at_) >= range.count) return false;
      *out = range.at(static_cast<std::int64_t>(at_++));
      return true;
    }
    case Type::view: {
      const View& view = value_.as<View>();
      const auto& entries = view.dict.dict().entries;
      if (at_ >= entries.size()) return false;
      const auto& [key, value] = entries[at_++];
      *out = view.kind == ViewKind::keys     ? key
             : view.kind == ViewKind::values ? value
                                             : with.tuple({key, value});
      return true;
    }
    case Type::iterator: {
      Iterator& iterator = value_.as<Iterator>();
      if (iterator.next >= iterator.items.size()) return false;
      *out = std::move(iterator.items[iterator.next++]);
      return true;
    }
    default:
      return false;
  }
}

std::size_t Walk::left() const {
  if (value_.is(Type::iterator))
    return value_.as<Iterator>().items.size() - value_.as<Iterator>().next;
  if (value_.is(Type::string)) return count_runes(value_) - std::min(at_, count_runes(value_));
  return length(value_) - at_;
}

Values Interpreter::to_values(const Value& value) {
  if (value.is_sequence()) {
    meter.work(value.items().size() * sizeof(Value));
    return value.items();
  }
  Values out;
  Walk walk(value);
  for (Value item; walk.next(*this, &item);) {
    out.push_back(std::move(item));
    // What is built here is not on the account before it becomes a value.
    if (out.size() * sizeof(Value) > meter.limit - meter.live) meter.take(meter.limit + 1);
  }
  return out;
}

// --- the loop object

// The next item that the loop's condition takes.
bool Interpreter::loop_fetch(Loop& loop, Value* out) {
  while (loop.walk && loop.walk->next(*this, out)) {
    if (!loop.test_vars) return true;
    Activation* before = std::exchange(current_, loop.test_vars.get());
    bool taken = false;
    try {
      assign(*loop.stmt->test_target, *out);
      taken = truth(eval(*loop.stmt->test));
    } catch (...) {
      current_ = before;
      throw;
    }
    current_ = before;
    if (taken) return true;
  }
  return false;
}

bool Interpreter::loop_next(Loop& loop, Value* out) {
  if (!loop.after.is(Type::unset))
    *out = std::exchange(loop.after, Value());
  else if (!loop_fetch(loop, out))
    return false;
  ++loop.index0;
  loop.before = std::move(loop.current);
  loop.current = *out;
  return true;
}

const Value& Interpreter::loop_peek(Loop& loop) {
  if (loop.after.is(Type::unset)) {
    Value next;
    if (loop_fetch(loop, &next)) loop.after = std::move(next);
  }
  return loop.after;
}

std::int64_t Interpreter::loop_length(Loop& loop) {
  if (loop.known_length >= 0) return loop.known_length;
  if (loop.walk && loop.test_vars) {  // how many there are shows when all have been tested
    Values rest;
    for (Value item; loop_fetch(loop, &item);) rest.push_back(std::move(item));
    loop.walk = std::make_unique<Walk>(list(std::move(rest)));
    loop.test_vars.reset();
  }
  const auto left = loop.walk ? static_cast<std::int64_t>(loop.walk->left()) : 0;
  loop.known_length = left + loop.index0 + 1 + (loop.after.is(Type::unset) ? 0 : 1);
  return loop.known_length;
}

Value Interpreter::loop_attribute(Loop& loop, const std::string& name) {
  if (name == "index") return Value::integer(loop.index0 + 1);
  if (name == "index0") return Value::integer(loop.index0);
  if (name == "revindex") return Value::integer(loop_length(loop) - loop.index0);
  if (name == "revindex0") return Value::integer(loop_length(loop) - loop.index0 - 1);
  if (name == "first") return Value::boolean(loop.index0 == 0);
  if (name == "last") return Value::boolean(loop_peek(loop).is(Type::unset));
  if (name == "length") return Value::integer(loop_length(loop));
  if (name == "depth") return Value::integer(loop.depth0 + 1);
  if (name == "depth0") return Value::integer(loop.depth0);
  if (name == "previtem")
    return loop.index0 == 0 ? undefined("there is no previous item") : loop.before;
  if (name == "nextitem") {
    const Value& next = loop_peek(loop);
    return next.is(Type::unset) ? undefined("there is no next item") : next;
  }
  return Value();
}

bool Interpreter::loop_changed(const Value& self, Value values) {
  Loop& loop = self.as<Loop>();
  if (loop.changed.is(Type::unset))
    changing_loops_.push_back(self);
  else if (equal(meter, loop.changed, values))
    return false;
  loop.changed = std::move(values);
  return true;
}

// --- the statement

namespace {

// Ends a loop whichever way it is left: what the template has kept of it must not reach into
// variables that are gone.
class Ending {
 public:
  explicit Ending(Loop& loop) : loop_(loop) {}
  ~Ending() {
    loop_.walk.reset();
    loop_.test_vars.reset();
    loop_.ended = true;
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  Loop& loop_;
};

}  // namespace

Interpreter::Flow Interpreter::run_loop(const Stmt& stmt) {
  const Value items = eval(*stmt.value);
  line_ = stmt.line;
  if (!stmt.uses_loop && !stmt.test) return run_plain_loop(stmt, items);
  Flow flow = Flow::next;
  if (!stmt.recursive) {
    run_loop_object(stmt, items, 0, &flow);
    return flow;
  }
  Activation* home = current_;
  const Activated inner(*this, *stmt.function, home);
  run_loop_object(stmt, items, 0, &flow);
  return Flow::next;
}

Interpreter::Flow Interpreter::run_turn(const Stmt& stmt, const Object* item) {
  if (!trace || !item || out_ != page_) return body(stmt.body);
  const auto found = std::ranges::find(trace->messages, item);
  if (found == trace->messages.end()) return body(stmt.body);
  const std::size_t begin = out_->size();
  const Flow flow = body(stmt.body);
  trace->stretches.push_back(
      {static_cast<std::size_t>(found - trace->messages.begin()), begin, out_->size()});
  return flow;
}

Interpreter::Flow Interpreter::run_plain_loop(const Stmt& stmt, const Value& items) {
  Walk walk(items);
  bool completed = false;
  for (Value item; walk.next(*this, &item);) {
    const Object* const identity = item.identity();
    assign(*stmt.target, std::move(item));
    enter(stmt.scope);
    const Flow flow = run_turn(stmt, identity);
    if (flow == Flow::broken) break;
    if (flow == Flow::next) completed = true;
  }
  leave(stmt.scope);
  if (completed || stmt.otherwise.empty()) return Flow::next;
  enter(stmt.else_scope);
  const Flow flow = body(stmt.otherwise);
  leave(stmt.else_scope);
  return flow;
}

// Sets *flow when the else part is left by break or continue, which belong to an outer loop.
void Interpreter::run_loop_object(const Stmt& stmt, const Value& items, int depth0, Flow* flow) {
  auto loop = std::make_shared<Loop>();
  loop->charge(&meter, sizeof(Loop));
  loop->nesting = items.nesting() + 1;
  loop->walk = std::make_unique<Walk>(items);
  loop->stmt = &stmt;
  loop->home = stmt.recursive ? current_->outer : current_;
  loop->depth0 = depth0;
  const Ending ending(*loop);
  if (stmt.test) {
    loop->test_vars = std::make_unique<Activation>();
    loop->test_vars->slots.resize(stmt.test_function->slots);
    loop->test_vars->outer = current_;
    Activation* before = std::exchange(current_, loop->test_vars.get());
    enter(stmt.test_function->scope);
    current_ = before;
  } else if (!items.is(Type::iterator)) {
    loop->known_length = static_cast<std::int64_t>(loop->walk->left());
  }
  bool completed = false;
  for (Value item; loop_next(*loop, &item);) {
    const Object* const identity = item.identity();
    assign(*stmt.target, std::move(item));
    if (stmt.uses_loop) current_->slots[stmt.loop_slot] = Value(Type::loop, loop);
    enter(stmt.scope);
    const Flow inner = run_turn(stmt, identity);
    if (inner == Flow::broken) break;
    if (inner == Flow::next) completed = true;
  }
  leave(stmt.scope);
  // As in Jinja2, `else` runs when no turn came to its end, even if there were items.
  if (completed || stmt.otherwise.empty()) return;
  enter(stmt.else_scope);
  *flow = body(stmt.otherwise);
  leave(stmt.else_scope);
}

// loop(items) in a recursive loop: the loop's own text for other items.
Value Interpreter::recurse(Loop& loop, const Value& items) {
  if (!loop.stmt->recursive) throw Error("only a loop with the word 'recursive' can be called");
  if (loop.ended) throw Error("the loop that is called has ended");
  const Stmt& stmt = *loop.stmt;
  const int depth = loop.depth0 + 1;
  const std::uint64_t line = line_;
  const Activated inner(*this, *stmt.function, loop.home);
  Capture capture(*this);
  Flow flow = Flow::next;
  run_loop_object(stmt, items, depth, &flow);
  line_ = line;
  return string(capture.take());
}

}  // namespace bantam::chat::jinja
