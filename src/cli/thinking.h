// Tells what a model thinks ("<think>...</think>") from what it says, while the text arrives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bantam::cli {

class ThinkingSplitter {
 public:
  struct Piece {
    std::string text;
    bool thought;  // the marks themselves belong to the thought
  };
  // `inside`: the text begins in a thought, whose opening mark the prompt had.
  explicit ThinkingSplitter(bool inside) : inside_(inside) {}

  // What is certain by this much more text: the beginning of what may become a mark waits.
  std::vector<Piece> feed(std::string_view text);
  // The rest at the end of the text.
  std::vector<Piece> finish();

 private:
  std::string waiting_;
  bool inside_;
};

}  // namespace bantam::cli
