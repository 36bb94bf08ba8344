// How long work goes on: one line that renews itself in a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/rooms.h"

namespace bantam::base {

class Progress {
 public:
  enum class Style : std::uint8_t { silent, lines, terminal };
  // What standard error is; `quiet` for none at all.
  static Style detect(bool quiet);

  Progress(Style style, std::string what, std::int64_t total);
  ~Progress();  // leaves the terminal's line

  // `note`: what else to say ("loss 1.23, 24,000 tokens/s"). Prints at most ten times a second in a
  // terminal, elsewhere at the first call and about every ten seconds. The time left is reckoned
  // from what was done since the start, leaving out `skipped` (done before this run).
  void update(std::int64_t done, const std::string& note);
  void skip(std::int64_t done) { skipped_ = done; }
  // Ends the line with a last word.
  void finish(const std::string& note);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(std::int64_t done, const std::string& note) const;
  Style style_;
  std::string what_;
  std::int64_t total_, skipped_ = 0;
  Clock::time_point start_ = Clock::now(), last_{};
  bool open_ = false;
};

// "42 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds);
// "1.1 M", "24.3 k"; and bytes: "4.2 MB" (decimal, as file managers show).
std::string count_text(double count);
std::string byte_text(double bytes);

}  // namespace bantam::base
