// Lines from a person: edited and remembered on a terminal (libedit), read as they are elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace bantam::cli {

class LineEditor {
 public:
  // What the line so far may become: whole lines.
  using Complete = std::function<std::vector<std::string>(std::string_view line)>;
  // `history`: a file that lines are added to, readable by its owner alone; empty: none.
  // `complete`: what Tab offers.
  LineEditor(Path history, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The next line without its newline; nullopt at the end (Ctrl-D, end of file). On a terminal
  // Ctrl-C drops the line that is being written: it is empty then, and dropped() is true.
  std::optional<std::string> read(std::string prompt);
  bool dropped() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// $XDG_STATE_HOME/bantam/NAME, or ~/.local/state/bantam/NAME, in a folder of mode 0700 that is made
// where it is absent. Empty when there is no home, or it cannot be made.
Path state_file(const std::string& name);

}  // namespace bantam::cli
