// What a row more costs a forward pass, as it was measured: seconds = base + row * rows. The base is
// the weights' way through memory, which all rows share; a row is arithmetic. So much a guess must be
// likely to pay for its row.
#pragma once

#include <cstddef>

#include "base/rooms.h"

namespace bantam::infer {

class PassCost {
 public:
  // A pass that read so many rows, none of them for a prompt, took so long.
  void add(std::size_t rows, double seconds);

  // The base in rows: what a pass costs before its first row, at most kMost. Before anything is measured, and
  // where all passes had as many rows, it is kExpected.
  double base_in_rows() const;

  // Of 135M parameters in Q8_0 on two cores with AVX-512 VNNI.
  static constexpr double kExpected = 11;
  // Passes whose times vary for other reasons can say that a row costs nothing. It never does: sixteen sequences
  // that believed it guessed 31 tokens in one pass.
  static constexpr double kMost = 4 * kExpected;

 private:
  // Weighted sums, in which older passes count for less: texts grow, other programs come and go.
  double weight_ = 0, rows_ = 0, seconds_ = 0, rows_rows_ = 0, rows_seconds_ = 0;
};

}  // namespace bantam::infer
