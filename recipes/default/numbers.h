// The numbers of a question: their ranges, how they are drawn, and which side of the hold-out they
// are on.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "wordings.h"

namespace bantam::recipe {

// A stream of draws: one counter on one key.
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t stream) : random_(seed, stream) {}
  int below(int bound) {
    return static_cast<int>(random_.below(next_++, static_cast<std::uint64_t>(bound)));
  }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

Numbers draw_numbers(Kind kind, Operation operation, Draw& draw);

// Depends on the operation and the numbers alone; a + b and b + a are on one side.
Side side_of(Operation operation, const Numbers& numbers);

// How many different numbers draw_numbers can return.
std::uint64_t numbers_count(Kind kind, Operation operation);

}  // namespace bantam::recipe
