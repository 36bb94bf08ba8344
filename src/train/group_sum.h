// The gradients of a step summed over groups of its rows, in an order that does not depend on who
// computes which group, nor when: within a group the rows are one chain; the groups are the leaves
// of a fixed tree, neighbours first, an odd one moving up as it is. So several machines that each
// take a run of groups, as many as a power of two, give the same bytes as one that takes them all.
// One group is the chain alone.
#pragma once

#include <vector>

#include "base/rooms.h"
#include "train/parameters.h"

namespace bantam::train {

class GroupSum {
 public:
  // Takes the gradients (and the loss) of the next group and leaves zeros in their place.
  void add(Context& ctx, std::vector<Parameter>& parameters, double loss);
  // Puts the sum of all groups into the gradients, returns that of the losses, and begins anew.
  double finish(Context& ctx, std::vector<Parameter>& parameters);
  // Copies of all gradients that it holds at most for so many groups.
  static std::int64_t most_held(std::int64_t groups);

 private:
  struct Node {
    int level = 0;  // 2^level groups
    std::vector<float> gradients;
    double loss = 0;
  };
  static void fold(Context& ctx, Node& into, const Node& from);
  std::vector<Node> nodes_;  // whole subtrees, levels falling
};

}  // namespace bantam::train
