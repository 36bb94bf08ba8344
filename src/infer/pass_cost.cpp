#include "infer/pass_cost.h"

#include <algorithm>

namespace bantam::infer {

namespace {

constexpr double kPassesKept = 0.98;  // of the passes so far, at each new one
// How much the expectation counts beside measured passes, in rows squared: passes whose rows vary by
// less than a half say little about a row.
constexpr double kBelief = 0.25;

}  // namespace

void PassCost::add(std::size_t rows, double seconds) {
  const auto x = static_cast<double>(rows);
  weight_ = kPassesKept * weight_ + 1;
  rows_ = kPassesKept * rows_ + x;
  seconds_ = kPassesKept * seconds_ + seconds;
  rows_rows_ = kPassesKept * rows_rows_ + x * x;
  rows_seconds_ = kPassesKept * rows_seconds_ + x * seconds;
}

// Ridge regression towards the expected slope: with x and y from their means,
// row = (sum x y + belief * expected) / (sum x x + belief).
double PassCost::base_in_rows() const {
  if (weight_ == 0 || seconds_ <= 0) return kExpected;
  const double rows = rows_ / weight_, seconds = seconds_ / weight_;
  const double variance = std::max(rows_rows_ / weight_ - rows * rows, 0.0);
  const double covariance = rows_seconds_ / weight_ - rows * seconds;
  const double expected = seconds / (kExpected + rows);
  const double row = (covariance + kBelief * expected) / (variance + kBelief);
  if (row <= 0) return kMost;
  return std::clamp(seconds / row - rows, 0.0, kMost);
}

}  // namespace bantam::infer
