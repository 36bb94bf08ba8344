// Numbers measured several times: what is said of them.
#pragma once

#include <algorithm>
#include <vector>

#include "base/rooms.h"

namespace bantam::plan {

class Samples {
 public:
  void add(double value) { values_.insert(std::ranges::upper_bound(values_, value), value); }
  bool empty() const { return values_.empty(); }
  std::size_t count() const { return values_.size(); }
  // Of none: 0.
  double least() const { return empty() ? 0 : values_.front(); }
  double most() const { return empty() ? 0 : values_.back(); }
  double median() const {
    if (empty()) return 0;
    const std::size_t half = values_.size() / 2;
    return values_.size() % 2 ? values_[half] : (values_[half - 1] + values_[half]) / 2;
  }
  // How far the middle half reaches, as a fraction of the median: half of the samples lie in it.
  double spread() const {
    if (values_.size() < 2 || median() == 0) return 0;
    return (at(0.75) - at(0.25)) / median();
  }

 private:
  double at(double share) const {  // between neighbours, linearly
    const double place = share * static_cast<double>(values_.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    const std::size_t high = std::min(low + 1, values_.size() - 1);
    return values_[low] + (values_[high] - values_[low]) * (place - static_cast<double>(low));
  }
  std::vector<double> values_;  // rising
};

}  // namespace bantam::plan
