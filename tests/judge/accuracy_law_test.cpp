// Laws of accuracy that are known are found again; the size that is said to be enough is enough.
#include "judge/accuracy_law.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "judge/scale_report.h"

namespace bantam::judge {
namespace {

constexpr ScaleLaw kLossTruth{1.7, 400, 410, 0.34, 0.28};
constexpr AccuracyLaw kJobTruth{0.25, 14, 3};  // half of what chance leaves at a loss of 4.67

double bell(const Random& random, std::uint64_t index) {
  double sum = -6;
  for (std::uint64_t i = 0; i < 12; ++i) sum += random.uniform(index * 12 + i);
  return sum;
}

// Twelve runs, each asked `questions` questions of one difficulty.
std::vector<JobRun> raised(std::uint64_t seed, double noise, std::size_t questions) {
  const Random random(seed, 5), answers(seed, 6);
  std::vector<JobRun> out;
  std::uint64_t index = 0;
  for (const double n : {1e6, 3e6, 1e7, 3e7})
    for (const double d : {3e7, 1e8, 3e8}) {
      const double loss = kLossTruth.loss(n, d) * std::exp(noise * bell(random, out.size()));
      JobRun run{n, d, loss, {}};
      const double p = kJobTruth.accuracy(kLossTruth.loss(n, d));
      for (std::size_t q = 0; q < questions; ++q) run.right.push_back(answers.uniform(index++) < p);
      out.push_back(std::move(run));
    }
  return out;
}

ScaleFit losses_of(const std::vector<JobRun>& runs, std::uint64_t seed) {
  std::vector<ScalePoint> points;
  for (const JobRun& r : runs) points.push_back({r.parameters, r.tokens, r.loss});
  return ScaleFit(points, 40, seed);
}

TEST(AccuracyLaw, FindsALawWithoutNoise) {
  std::vector<AccuracyPoint> points;
  for (const double loss : {2.5, 3.0, 3.5, 4.0, 4.5, 5.0}) points.push_back({loss, 1000 * kJobTruth.accuracy(loss), 1000});
  const AccuracyLaw law = fit_accuracy(points, kJobTruth.guess);
  EXPECT_NEAR(law.offset, kJobTruth.offset, 0.01);
  EXPECT_NEAR(law.slope, kJobTruth.slope, 0.01);
  EXPECT_NEAR(*law.loss_for(law.accuracy(3.3)), 3.3, 1e-9);
  EXPECT_FALSE(law.loss_for(1));
  EXPECT_TRUE(std::isinf(*law.loss_for(0.2)));  // chance does it
}

// Answers that get no better with the loss promise nothing; all right or all wrong breaks nothing.
TEST(AccuracyLaw, PromisesNothingWhereLossDoesNotHelp) {
  const std::vector<AccuracyPoint> worse{{2, 30, 100}, {3, 40, 100}, {4, 50, 100}};
  EXPECT_EQ(fit_accuracy(worse, 0.25).slope, 0);
  EXPECT_FALSE(fit_accuracy(worse, 0.25).loss_for(0.9));
  for (const double right : {0.0, 100.0}) {
    const std::vector<AccuracyPoint> same{{2, right, 100}, {3, right, 100}, {4, right, 100}};
    const AccuracyLaw law = fit_accuracy(same, 0);
    EXPECT_TRUE(std::isfinite(law.offset) && std::isfinite(law.slope));
    EXPECT_NEAR(law.accuracy(3), right / 100, 0.01);
  }
  EXPECT_THROW(fit_accuracy(std::vector<AccuracyPoint>{{2, 1, 2}, {3, 1, 2}}, 0), Error);
}

// Of a hundred ladders, the size said to do the job with 95 % confidence does it at least ninety times.
TEST(AccuracyLaw, TheSureSizeIsEnough) {
  constexpr double kTarget = 0.75, kTokens = 3e8;
  const double truth = *kLossTruth.parameters_for(*kJobTruth.loss_for(kTarget), kTokens);
  int enough = 0, said = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::vector<JobRun> runs = raised(seed, 0.002, 400);
    const ScaleFit losses = losses_of(runs, seed);
    const auto needed = JobFit(losses, runs, kJobTruth.guess, seed).needed(kTarget, kTokens);
    if (!needed || !needed->sure) {
      ++enough;  // nothing was promised
      continue;
    }
    ++said;
    enough += *needed->sure >= truth;
    EXPECT_GE(*needed->sure, needed->likely);
  }
  EXPECT_GE(enough, 90);
  EXPECT_GE(said, 30);
}

TEST(AccuracyLaw, SaysWhatIsNotReachable) {
  const std::vector<JobRun> runs = raised(3, 0.001, 1000);
  const ScaleFit losses = losses_of(runs, 3);
  const JobFit fit(losses, runs, kJobTruth.guess, 3);
  // With 3e7 tokens no size comes under a loss of about 5, where 45 in a hundred are right.
  EXPECT_FALSE(fit.needed(0.9, 3e7));
  EXPECT_TRUE(fit.needed(0.3, 3e7));
  std::vector<JobRun> uneven = runs;
  uneven[2].right.pop_back();
  EXPECT_THROW(JobFit(losses, uneven, 0.25, 1), Error);
}

TEST(AccuracyLaw, ARunIsSureByItsOwnAnswers) {
  EXPECT_NEAR(surely_right(90, 100), 0.8393, 1e-3);  // Wilson 1927, one-sided
  EXPECT_GT(surely_right(900, 1000), 0.88);
  EXPECT_EQ(surely_right(0, 0), 0);
  EXPECT_LT(surely_right(1, 1), 0.5);
}

// What a ladder says of a size that it has seen is about what it says without it.
TEST(ScaleReport, SizesLeftOutAreForetold) {
  std::vector<ScalePoint> points;
  for (const double n : {1e6, 2e6, 4e6, 8e6, 1.6e7})
    for (const double d : {2e7, 8e7, 3e8}) points.push_back({n, d, kLossTruth.loss(n, d)});
  const auto left_out = leave_out(points, 20, 1);
  ASSERT_EQ(left_out.size(), 5u);
  for (const LeftOut& l : left_out) {
    EXPECT_EQ(l.tokens, 3e8);
    EXPECT_NEAR(l.off(), 0, 0.01) << l.parameters;
  }
  points.resize(9);  // three sizes: none can be left out
  EXPECT_TRUE(leave_out(points, 20, 1).empty());
}

// A ladder and the same with a teacher that is worth `better` of the loss and has `more` of ten questions right.
struct Raised {
  Raised(double better, std::size_t more) : runs(runs_of(better, more)), fit(points_of(runs), 20, 1) {}
  static std::vector<LadderRun> runs_of(double better, std::size_t more) {
    std::vector<LadderRun> out;
    for (const double n : {1e6, 2e6, 4e6, 8e6})
      for (const double d : {2e7, 8e7, 3e8}) {
        const double off = 0.01 * static_cast<double>(out.size() % 3);
        LadderRun r{static_cast<std::int64_t>(n), {n, d, kLossTruth.loss(n, d) - better * (1 + off)}, "m.gguf", 1000, 1, {}};
        for (std::size_t q = 0; q < 40; ++q) r.right.push_back(q % 10 < 5 + more);
        out.push_back(std::move(r));
      }
    return out;
  }
  static std::vector<ScalePoint> points_of(const std::vector<LadderRun>& runs) {
    std::vector<ScalePoint> out;
    for (const LadderRun& r : runs) out.push_back(r.point);
    return out;
  }
  LadderReport report() const { return {fit, runs, none, nullptr}; }
  std::vector<LadderRun> runs;
  ScaleFit fit;
  std::vector<LeftOut> none;
};

TEST(ScaleReport, WhatATeacherIsWorth) {
  const Raised plain(0, 0), taught(0.2, 3), same(0, 0);
  const TeacherGain gain = teacher_gain(plain.report(), taught.report());
  EXPECT_NEAR(gain.loss, -0.202 + 0, 1e-3);
  EXPECT_LT(gain.loss_interval.high, -0.2);
  EXPECT_GT(gain.loss_interval.low, -0.205);
  ASSERT_TRUE(gain.right);
  EXPECT_NEAR(*gain.right, 0.3, 1e-12);
  EXPECT_GT(gain.right_interval.low, 0.1);  // of 40 questions
  EXPECT_LT(gain.right_interval.high, 0.5);
  const TeacherGain nothing = teacher_gain(plain.report(), same.report());
  EXPECT_EQ(nothing.loss, 0);
  EXPECT_EQ(nothing.loss_interval.high, 0);
  const TaughtReport with{taught.report(), "large.gguf", 0.5, 16}, useless{same.report(), "large.gguf", 0.5, 16};
  const Json json = ladder_json(plain.report(), &with);
  EXPECT_EQ(json.at("runs"), ladder_json(plain.report()).at("runs"));
  EXPECT_EQ(json.at("taught").at("runs").size(), 12u);
  EXPECT_EQ(json.at("taught").at("loss_change").at("value"), gain.loss);
  EXPECT_EQ(json.at("taught").at("teacher").at("model"), "large.gguf");
  EXPECT_EQ(ladder_text(plain.report(), &with).find("(tie)"), std::string::npos);
  EXPECT_NE(ladder_text(plain.report(), &useless).find("loss +0.0000 [+0.0000, +0.0000] (tie)"), std::string::npos);
}

}  // namespace
}  // namespace bantam::judge
