// Laws that are known are found again, within intervals that hold them.
#include "judge/scaling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace bantam::judge {
namespace {

constexpr ScaleLaw kTruth{1.7, 400, 410, 0.34, 0.28};

double normal(const Random& random, std::uint64_t index) {
  double sum = -6;
  for (std::uint64_t i = 0; i < 12; ++i) sum += random.uniform(index * 12 + i);
  return sum;
}

std::vector<ScalePoint> ladder(std::uint64_t seed, double noise) {
  const Random random(seed, 3);
  std::vector<ScalePoint> out;
  for (const double n : {1e6, 3e6, 1e7, 3e7, 1e8})
    for (const double d : {2e7, 8e7, 3e8, 1e9})
      out.push_back({n, d, kTruth.loss(n, d) * std::exp(noise * normal(random, out.size()))});
  return out;
}

TEST(Scaling, FindsALawWithoutNoise) {
  const ScaleFit fit(ladder(1, 0), 4, 1);
  EXPECT_NEAR(fit.law().size_power, kTruth.size_power, 0.01);
  EXPECT_NEAR(fit.law().data_power, kTruth.data_power, 0.01);
  EXPECT_NEAR(fit.law().loss(4e8, 2e9) / kTruth.loss(4e8, 2e9), 1, 1e-3);
  const auto needed = fit.needed(4.5, 1e9);
  ASSERT_TRUE(needed);
  EXPECT_NEAR(needed->likely / *kTruth.parameters_for(4.5, 1e9), 1, 0.02);
  EXPECT_FALSE(fit.needed(1.5, 1e9));  // under the floor: not with this data
}

// Of a hundred ladders with noise of half a percent, the interval of a size left out, three times the
// largest, holds the truth at least ninety times.
TEST(Scaling, IntervalsHoldTheTruth) {
  int held = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const ScaleFit fit(ladder(seed, 0.005), 50, seed);
    const Interval interval = fit.loss_interval(3e8, 1e9);
    const double truth = kTruth.loss(3e8, 1e9);
    held += interval.low <= truth && truth <= interval.high;
    EXPECT_LT(interval.high / interval.low, 1.2);
  }
  EXPECT_GE(held, 90);
}

TEST(Scaling, RefusesTooLittle) {
  std::vector<ScalePoint> few = ladder(1, 0);
  few.resize(5);
  EXPECT_THROW(ScaleFit(few, 1, 1), Error);
  std::vector<ScalePoint> bad = ladder(1, 0);
  bad[2].loss = -1;
  EXPECT_THROW(ScaleFit(bad, 1, 1), Error);
  // In step with size, data tell nothing of their own: the law is of size alone.
  std::vector<ScalePoint> step;
  for (const double n : {1e6, 2e6, 4e6, 8e6, 1.6e7, 3.2e7}) step.push_back({n, 20 * n, 2 + 400 * std::pow(n, -0.34)});
  const ScaleFit fit(step, 10, 1);
  EXPECT_FALSE(fit.data_known());
  EXPECT_NEAR(fit.law().floor, 2, 0.05);
}

}  // namespace
}  // namespace bantam::judge
