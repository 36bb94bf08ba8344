// How many tokens a draft model should guess before the next pass: as many as make the answer
// fastest by what was measured, or none. With a chance a that a guess comes true, n guesses that cost
// d each before a pass of v(n) give (1 + a + ... + a^n) tokens in n d + v(n) (Leviathan, Kalman &
// Matias 2023, arXiv:2211.17192, section 3.1).
#pragma once

#include <array>
#include <cstddef>

#include "base/rooms.h"

namespace bantam::infer {

class DraftLength {
 public:
  static constexpr std::size_t kMost = 8;

  // `fixed`: so many each time, whether they pay or not; 0: as many as pay.
  explicit DraftLength(std::size_t fixed = 0) : fixed_(fixed) {}

  // Tokens to guess now, at most kMost. Counts a pause down: called once for each pass.
  std::size_t next();

  // What was measured: seconds of a guess; of a pass with so many guesses in it; how many of them
  // came true.
  void guessed(double seconds);
  void passed(std::size_t guesses, double seconds);
  void learn(std::size_t proposed, std::size_t accepted);

  double acceptance() const { return hits_ / tries_; }
  // Tokens a second that so many guesses a pass are expected to give; 0: a plain pass or a guess has
  // not been measured yet.
  double rate(std::size_t guesses) const { return rate(guesses, acceptance()); }

 private:
  // Older measurements count for less and less.
  struct Mean {
    double value = 0;
    bool known = false;
    void add(double sample);
  };
  double pass_seconds(std::size_t guesses) const;
  double rate(std::size_t guesses, double chance) const;
  // The best number of guesses, if they come true with this chance, and are worth it; else 0.
  std::size_t best(double chance) const;

  std::size_t fixed_;
  Mean guess_;
  std::array<Mean, kMost + 1> pass_;  // by guesses in it
  double hits_ = 3, tries_ = 4;       // a hopeful beginning
  // Off by itself: passes without guesses, each time twice as many as before, then a few with some,
  // as texts change.
  std::size_t pause_ = 0, next_pause_ = 16, trials_ = 0;
  std::size_t since_plain_ = 0;
};

}  // namespace bantam::infer
