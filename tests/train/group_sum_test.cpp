// Gradients summed over groups: the tree is the same for any number of them, and whoever sums.
#include "train/group_sum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace bantam::test {
namespace {

constexpr std::int64_t kNumbers = 1000;

class Groups : public ::testing::Test {
 protected:
  Groups() : kernels_(kernels_for(best_isa())), ctx_(pool_, kernels_, arena_) {
    for (int i = 0; i < 2; ++i) {
      Parameter& p = parameters_.emplace_back();
      p.shape = {kNumbers};
      for (int use = 0; use <= i; ++use) p.gradients.push_back(Tensor::zeros(p.shape));
    }
  }
  // What group g adds to the gradients: magnitudes far apart, so that the order shows.
  static float number(std::int64_t group, std::int64_t i) {
    const Random random(3, static_cast<std::uint64_t>(group));
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    return static_cast<float>((2 * u - 1) * std::exp2(static_cast<double>((group * 7 + i) % 23)));
  }
  void fill(std::int64_t group) {
    std::int64_t i = 0;
    for (Parameter& p : parameters_)
      for (Tensor& g : p.gradients)
        for (std::int64_t j = 0; j < kNumbers; ++j) g.f32()[j] += number(group, i++);
  }
  std::vector<float> gradients() const {
    std::vector<float> all;
    for (const Parameter& p : parameters_)
      for (const Tensor& g : p.gradients) all.insert(all.end(), g.f32(), g.f32() + kNumbers);
    return all;
  }
  std::vector<float> sum(std::int64_t first, std::int64_t end) {
    GroupSum groups;
    for (Parameter& p : parameters_)
      for (Tensor& g : p.gradients) std::fill_n(g.f32(), kNumbers, 0.0f);
    for (std::int64_t g = first; g < end; ++g) {
      fill(g);
      groups.add(ctx_, parameters_, static_cast<double>(g));
    }
    EXPECT_EQ(groups.finish(ctx_, parameters_),
              static_cast<double>((end - first) * (first + end - 1)) / 2);
    return gradients();
  }

  ThreadPool pool_{2};
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  std::vector<Parameter> parameters_;
};

// Neighbours are added, then neighbours of these, until one is left.
std::vector<float> tree(std::vector<std::vector<float>> level) {
  while (level.size() > 1) {
    std::vector<std::vector<float>> up;
    for (std::size_t i = 0; i < level.size(); i += 2) {
      up.push_back(level[i]);
      if (i + 1 == level.size()) break;
      for (std::size_t j = 0; j < up.back().size(); ++j) up.back()[j] += level[i + 1][j];
    }
    level = std::move(up);
  }
  return level.front();
}

TEST_F(Groups, AreAddedInAFixedTree) {
  for (std::int64_t count = 1; count <= 9; ++count) {
    std::vector<std::vector<float>> leaves;
    for (std::int64_t g = 0; g < count; ++g) {
      leaves.emplace_back();
      for (std::int64_t i = 0; i < 3 * kNumbers; ++i) leaves.back().push_back(number(g, i));
    }
    EXPECT_EQ(sum(0, count), tree(leaves)) << count;
  }
}

TEST_F(Groups, GiveTheSameBytesToMachinesThatShareThem) {
  const std::vector<float> whole = sum(0, 8);
  EXPECT_EQ(tree({sum(0, 4), sum(4, 8)}), whole);
  EXPECT_EQ(tree({sum(0, 2), sum(2, 4), sum(4, 6), sum(6, 8)}), whole);
  // In another order of summation it is not: the numbers are such that it shows.
  std::vector<float> chain(3 * kNumbers);
  for (std::int64_t g = 0; g < 8; ++g)
    for (std::size_t i = 0; i < chain.size(); ++i)
      chain[i] += number(g, static_cast<std::int64_t>(i));
  EXPECT_NE(chain, whole);
}

TEST(GroupSum, HoldsACopyForEachLevel) {
  EXPECT_EQ(GroupSum::most_held(1), 0);
  EXPECT_EQ(GroupSum::most_held(2), 3);
  EXPECT_EQ(GroupSum::most_held(8), 5);
}

}  // namespace
}  // namespace bantam::test
