// Laws that are known are found again, within intervals that hold them.
#include "judge/scaling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "judge/scale_report.h"

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

// Two runs a point, as far above the mean as below it, say of the law what their mean says.
TEST(Scaling, RunsOfOtherSeedsAreOnePoint) {
  std::vector<ScalePoint> single = ladder(1, 0.01), twice;
  for (const ScalePoint& p : single) {
    twice.push_back({p.parameters, p.tokens, p.loss * std::exp(0.02)});
    twice.push_back({p.parameters, p.tokens, p.loss * std::exp(-0.02)});
  }
  const ScaleFit one(single, 20, 1), two(twice, 20, 1);
  EXPECT_NEAR(two.law().loss(3e8, 1e9), one.law().loss(3e8, 1e9), 1e-9);
  EXPECT_NEAR(two.loss_interval(3e8, 1e9).high, one.loss_interval(3e8, 1e9).high, 1e-9);
  EXPECT_NEAR(two.residual(), one.residual(), 1e-9);
  EXPECT_FALSE(one.seed_noise());
  ASSERT_TRUE(two.seed_noise());
  EXPECT_NEAR(*two.seed_noise(), 0.02 * std::sqrt(2), 1e-9);  // of two runs: half their difference, times the root of 2
  // A run twice is no more than a run.
  std::vector<ScalePoint> few(single.begin(), single.begin() + 5);
  few.insert(few.end(), few.begin(), few.begin() + 5);
  EXPECT_THROW(ScaleFit(few, 1, 1), Error);
}

// A run that learnt nothing for a while lies high; least squares foretells 3e8 parameters up to 10 % off from it.
TEST(Scaling, ARunThatWentWrongPullsLittle) {
  double worst = 0;
  for (std::size_t wrong = 0; wrong < 20; ++wrong) {
    std::vector<ScalePoint> points = ladder(1, 0.002);
    points[wrong].loss *= 1.2;
    worst = std::max(worst, std::abs(ScaleFit(points, 1, 1).law().loss(3e8, 1e9) / kTruth.loss(3e8, 1e9) - 1));
  }
  EXPECT_LT(worst, 0.02);
}

// A size left out is measured once, with noise of its own: within the interval at least ninety times of a hundred.
TEST(Scaling, IntervalsOfRunsHoldMeasurements) {
  int held = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const ScaleFit fit(ladder(seed, 0.005), 50, seed);
    const double measured = kTruth.loss(1e7, 3e8) * std::exp(0.005 * normal(Random(seed, 9), 0));
    const Interval interval = fit.run_interval(1e7, 3e8);
    held += interval.low <= measured && measured <= interval.high;
    EXPECT_LT(interval.high / interval.low, 1.06);
  }
  EXPECT_GE(held, 90);
}

TEST(Scaling, LeavesASizeOutWithAllItsRuns) {
  std::vector<ScalePoint> runs = ladder(1, 0);
  for (ScalePoint p : ladder(1, 0)) {
    if (p.parameters == 3e6) p.loss *= 1.21;  // with the other run: 1.1 by the geometric mean
    runs.push_back(p);
  }
  const auto left_out = leave_out(runs, 10, 1);
  ASSERT_EQ(left_out.size(), 5U);
  EXPECT_EQ(left_out[1].parameters, 3e6);
  EXPECT_EQ(left_out[1].tokens, 1e9);
  EXPECT_NEAR(left_out[1].measured / kTruth.loss(3e6, 1e9), 1.1, 1e-9);
  EXPECT_NEAR(left_out[1].predicted / kTruth.loss(3e6, 1e9), 1, 1e-3);
  const std::string advice = " % off: do not trust the law";
  EXPECT_NE(left_out_text(left_out).find(advice), std::string::npos) << left_out_text(left_out);
  EXPECT_EQ(left_out_text(leave_out(ladder(1, 0), 10, 1)).find(advice), std::string::npos);
  // Far off below the others alone: these are not blamed for it.
  const std::vector<LeftOut> below{{1e5, 4e6, 0.064, 0.080, {0.07, 0.09}}, {2e5, 4e6, 0.061, 0.060, {0.05, 0.07}}};
  EXPECT_EQ(left_out_text(below).find(advice), std::string::npos) << left_out_text(below);
  EXPECT_NE(left_out_text(below).find("not below them"), std::string::npos) << left_out_text(below);
}

TEST(Scaling, RefusesWhatNoLawComesNear) {
  for (const double times : {1e20, 1e300, 1e-320}) {
    std::vector<ScalePoint> runs = ladder(1, 0.01);
    for (ScalePoint& p : runs) p.loss *= times;
    EXPECT_THROW(ScaleFit(runs, 4, 1), Error) << times;
  }
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
