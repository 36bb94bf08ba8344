// A text as what comes over a connection, in pieces.
#pragma once

#include <algorithm>
#include <string_view>

#include "serve/http_reader.h"

namespace bantam::test {

class ByteText : public serve::ByteSource {
 public:
  ByteText(std::string_view text, std::size_t piece) : text_(text), piece_(piece) {}
  void enter(Phase) override {}
  void say_continue() override {}
  std::size_t read(char* to, std::size_t most) override {
    const std::size_t count = std::min({most, piece_, text_.size()});
    text_.copy(to, count);
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
  std::size_t piece_;
};

}  // namespace bantam::test
