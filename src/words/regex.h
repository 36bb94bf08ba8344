// Regular expressions in the dialect of tokenizer.json files (Oniguruma with Ruby's syntax, as the
// Hugging Face tokenizers library compiles them), run by PCRE2 with limits. For patterns that
// pre_tokenizer.h does not know by heart, and for the normalizer Replace.
// Known differences: characters newer than PCRE2's Unicode (14 in Debian 12) have no class, and
// without regard to case one character never matches several (\u00DF and ss).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::words {

class Regex {
 public:
  struct Match {
    std::size_t begin, end;
  };

  // Throws Error that shows the pattern and the place in it when it does not compile, or uses
  // something whose meaning here would be a guess.
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  const std::string& pattern() const { return pattern_; }

  // Calls take(begin, end) for each match from left to right, as find_iter of Rust's regex does (an
  // empty match right after a match is skipped). `text` must be well-formed UTF-8 (repair_utf8).
  // Throws Error that shows the pattern and the byte offset when a match takes more steps or memory
  // than allowed. May be called by several threads at once.
  void find_all(std::string_view text, const std::function<void(Match)>& take) const;

 private:
  struct Program;
  std::string pattern_;
  std::unique_ptr<Program> program_;
};

}  // namespace bantam::words
