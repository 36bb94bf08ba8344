// Two helpers of the interpreter that undo what they did when an error passes.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/rooms.h"
#include "chat/jinja_interpreter.h"

namespace bantam::chat::jinja {

class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& with)
      : with_(with), out_(std::exchange(with.out_, &text_)), pending_(with.pending_) {}
  ~Capture() { stop(); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // What was written; later output goes where it went before.
  std::string take() {
    stop();
    return std::move(text_);
  }

 private:
  void stop() {
    if (!out_) return;
    with_.out_ = std::exchange(out_, nullptr);
    with_.pending_ = pending_;
  }

  Interpreter& with_;
  std::string text_;
  std::string* out_;
  std::size_t pending_;
};

// A function that runs: its variables are the current ones as long as this lives.
class Interpreter::Activated {
 public:
  Activated(Interpreter& with, const Function& function, Activation* outer);
  ~Activated();
  Activated(const Activated&) = delete;
  Activated& operator=(const Activated&) = delete;

 private:
  Interpreter& with_;
  std::unique_ptr<Activation> own_;
  Activation* before_;
};

}  // namespace bantam::chat::jinja
