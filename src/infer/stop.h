// Stop strings in a stream of text, across the borders of its pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::infer {

class StopStrings {
 public:
  // Empty strings are left out: they would stop everything.
  explicit StopStrings(std::vector<std::string> strings = {});

  // The text that may be shown now: what cannot be the beginning of a stop string. Once a stop
  // string is complete, what stood before it is the last text, and nothing follows.
  std::string feed(std::string_view text);
  // The text is over: what was held back.
  std::string finish();
  // The stop string that was met; empty: none yet.
  const std::string& met() const { return met_; }

 private:
  // Knuth, Morris & Pratt 1977: how much of the string is matched, one byte at a time.
  struct Matcher {
    std::string text;
    std::vector<std::size_t> fallback;
    std::size_t matched = 0;
    void step(char c);
  };
  std::vector<Matcher> matchers_;
  std::string held_, met_;
};

}  // namespace bantam::infer
