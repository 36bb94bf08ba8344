// Choosing types under a bound: along the lower hull of bytes and cost of every tensor, the step
// that saves the most cost a byte is taken first.
#include <algorithm>
#include <queue>

#include "shrink/target.h"

namespace bantam::shrink {

namespace {

// The options on the lower convex hull, from the smallest on: each step saves less a byte than the
// one before.
std::vector<TypeOption> hull_of(const std::vector<TypeOption>& options) {
  std::vector<TypeOption> hull;
  const auto slope = [](const TypeOption& a, const TypeOption& b) {
    return (a.cost - b.cost) / static_cast<double>(b.bytes - a.bytes);
  };
  for (const TypeOption& next : options) {
    while (hull.size() > 1 && slope(hull.back(), next) >= slope(hull[hull.size() - 2], hull.back()))
      hull.pop_back();
    hull.push_back(next);
  }
  return hull;
}

struct Step {
  double saved_a_byte;
  std::size_t tensor, option;  // to this option
  bool operator<(const Step& other) const {
    if (saved_a_byte != other.saved_a_byte) return saved_a_byte < other.saved_a_byte;
    return tensor > other.tensor;  // a fixed order among equals
  }
};

class Ladder {
 public:
  explicit Ladder(std::span<const TensorOptions> tensors) : tensors_(tensors) {
    for (const TensorOptions& t : tensors) {
      hulls_.push_back(hull_of(t.options));
      at_.push_back(0);
      bytes_ += hulls_.back().front().bytes;
      cost_ += hulls_.back().front().cost;
      offer(hulls_.size() - 1);
    }
  }
  std::int64_t bytes() const { return bytes_; }
  double cost() const { return cost_; }

  // Takes the best step that needs no more than `room` bytes; false: there is none.
  bool climb(std::int64_t room) {
    while (!steps_.empty()) {
      const Step step = steps_.top();
      steps_.pop();
      const std::vector<TypeOption>& hull = hulls_[step.tensor];
      const TypeOption &from = hull[step.option - 1], &to = hull[step.option];
      if (to.bytes - from.bytes > room) continue;  // this tensor stays; others may still fit
      at_[step.tensor] = step.option;
      bytes_ += to.bytes - from.bytes;
      cost_ += to.cost - from.cost;
      offer(step.tensor);
      return true;
    }
    return false;
  }
  TypeChoice choice() const {
    TypeChoice out;
    out.bytes = bytes_;
    out.cost = cost_;
    for (std::size_t i = 0; i < hulls_.size(); ++i)
      out.types[tensors_[i].name] = hulls_[i][at_[i]].type;
    return out;
  }

 private:
  void offer(std::size_t tensor) {
    const std::vector<TypeOption>& hull = hulls_[tensor];
    const std::size_t next = at_[tensor] + 1;
    if (next >= hull.size()) return;
    const TypeOption &from = hull[next - 1], &to = hull[next];
    steps_.push({(from.cost - to.cost) / static_cast<double>(to.bytes - from.bytes), tensor, next});
  }

  std::span<const TensorOptions> tensors_;
  std::vector<std::vector<TypeOption>> hulls_;
  std::vector<std::size_t> at_;
  std::priority_queue<Step> steps_;
  std::int64_t bytes_ = 0;
  double cost_ = 0;
};

}  // namespace

std::optional<TypeChoice> choose_for_bytes(std::span<const TensorOptions> tensors,
                                           std::int64_t bytes) {
  Ladder ladder(tensors);
  if (ladder.bytes() > bytes) return std::nullopt;
  while (ladder.climb(bytes - ladder.bytes())) {
  }
  return ladder.choice();
}

TypeChoice choose_for_cost(std::span<const TensorOptions> tensors, double cost) {
  Ladder ladder(tensors);
  while (ladder.cost() > cost && ladder.climb(INT64_MAX)) {
  }
  return ladder.choice();
}

}  // namespace bantam::shrink
