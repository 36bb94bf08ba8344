#include "train/group_sum.h"

#include <algorithm>
#include <bit>

namespace bantam::train {

void GroupSum::fold(Context& ctx, Node& into, const Node& from) {
  ctx.rows(
      ctx.kernels().axpby,
      AxpbyArgs{from.gradients.data(), into.gradients.data(), 1, 1},  // their sum, rounded once
      static_cast<std::int64_t>(into.gradients.size()), 1);
  into.loss += from.loss;
}

void GroupSum::add(Context& ctx, std::vector<Parameter>& parameters, double loss) {
  Node node;
  node.loss = loss;
  for (const Parameter& p : parameters)
    for (const Tensor& g : p.gradients) {
      const std::int64_t count = g.shape().count();
      node.gradients.insert(node.gradients.end(), g.f32(), g.f32() + count);
      std::fill_n(g.f32(), count, 0.0f);
    }
  while (!nodes_.empty() && nodes_.back().level == node.level) {
    fold(ctx, nodes_.back(), node);
    node = std::move(nodes_.back());
    nodes_.pop_back();
    ++node.level;
  }
  nodes_.push_back(std::move(node));
}

double GroupSum::finish(Context& ctx, std::vector<Parameter>& parameters) {
  while (nodes_.size() > 1) {
    fold(ctx, nodes_[nodes_.size() - 2], nodes_.back());
    nodes_.pop_back();
  }
  const Node sum = std::move(nodes_.back());
  nodes_.clear();
  const float* from = sum.gradients.data();
  for (const Parameter& p : parameters)
    for (const Tensor& g : p.gradients) {
      std::copy_n(from, g.shape().count(), g.f32());
      from += g.shape().count();
    }
  return sum.loss;
}

std::int64_t GroupSum::most_held(std::int64_t groups) {
  if (groups <= 1) return 0;
  // A subtree of each level, and the one that is just made.
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(groups))) + 1;
}

}  // namespace bantam::train
