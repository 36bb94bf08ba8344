// A run gives the same bytes however it is cut up, and learns.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "train/sample_run.h"

namespace bantam::test {

namespace {

std::string trained(const TokenStore& store, const TrainSettings& settings, unsigned threads,
                    Isa isa, int steps = 20) {
  SampleRun run(store, settings, threads, isa);
  run.steps(steps);
  return weight_sum(run.trainer);
}

class SameBytes : public ::testing::TestWithParam<Arithmetic> {};

TEST_P(SameBytes, WithOneTwoAndThreeThreads) {
  const TokenStore store = sample_text(120, 101);
  const TrainSettings settings = sample_settings(GetParam());
  const std::string one = trained(store, settings, 1, best_isa());
  EXPECT_EQ(trained(store, settings, 2, best_isa()), one);
  EXPECT_EQ(trained(store, settings, 3, best_isa()), one);
}

TEST_P(SameBytes, OnEveryInstructionSetOfThisMachine) {
  const TokenStore store = sample_text(120, 101);
  const TrainSettings settings = sample_settings(GetParam());
  const std::string scalar = trained(store, settings, 2, Isa::scalar);
  for (const Isa isa : {Isa::avx2, Isa::avx512, Isa::amx, Isa::neon})
    if (isa_available(isa)) {
      EXPECT_EQ(trained(store, settings, 2, isa), scalar) << isa_name(isa);
    }
}

// The first eight bytes of the sums were made on x86-64; 64-bit Arm must have them too.
TEST_P(SameBytes, OnEveryProcessor) {
  const TokenStore store = sample_text(120, 101);
  const char* expected = GetParam() == Arithmetic::bf16 ? "61d225d8c4377ea7" : "5e626d83db89204f";
  EXPECT_EQ(trained(store, sample_settings(GetParam()), 2, best_isa(), 5).substr(0, 16), expected);
}

TEST_P(SameBytes, InSixteenMicroBatchesAndInOne) {
  const TokenStore store = sample_text(120, 101);
  TrainSettings settings = sample_settings(GetParam());
  const std::string whole = trained(store, settings, 2, best_isa(), 5);
  for (const std::int64_t rows : {1, 5, 8}) {
    settings.micro_rows = rows;
    EXPECT_EQ(trained(store, settings, 2, best_isa(), 5), whole) << rows << " rows at a time";
  }
}

TEST_P(SameBytes, InGroupsHoweverManyRowsAreTakenAtATime) {
  const TokenStore store = sample_text(120, 101);
  TrainSettings settings = sample_settings(GetParam());
  const std::string plain = settings.text();
  EXPECT_EQ(plain.find("groups"), std::string::npos) << "checkpoints of earlier versions go on";
  settings.groups = 4;
  EXPECT_NE(settings.text(), plain);
  const std::string whole = trained(store, settings, 2, best_isa(), 5);
  for (const std::int64_t rows : {1, 3}) {
    settings.micro_rows = rows;
    EXPECT_EQ(trained(store, settings, 3, best_isa(), 5), whole) << rows << " rows at a time";
  }
  settings.groups = 3;  // of 16 rows
  EXPECT_THROW(settings.check(), Error);
}

TEST_P(SameBytes, WithActivationsComputedAgain) {
  const TokenStore store = sample_text(120, 101);
  TrainSettings settings = sample_settings(GetParam());
  const std::string kept = trained(store, settings, 2, best_isa(), 5);
  settings.recompute = true;
  EXPECT_EQ(trained(store, settings, 2, best_isa(), 5), kept);
}

TEST_P(SameBytes, WhenResumedFromACheckpoint) {
  const TokenStore store = sample_text(120, 101);
  const TrainSettings settings = sample_settings(GetParam());
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "bantam-resumed";
  SampleRun first(store, settings);
  first.steps(7);
  first.trainer.save(path);
  first.steps(13);
  SampleRun second(store, settings, 3);
  second.trainer.resume(path);
  EXPECT_EQ(second.trainer.state().step, 7);
  second.steps(13);
  EXPECT_EQ(weight_sum(second.trainer), weight_sum(first.trainer));
  EXPECT_EQ(second.trainer.state().losses, first.trainer.state().losses);
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, SameBytes,
                         ::testing::Values(Arithmetic::f32, Arithmetic::bf16),
                         [](const auto& p) { return p.param == Arithmetic::f32 ? "f32" : "bf16"; });

TEST(Trainer, LearnsWhatFollowsWhat) {
  const TokenStore store = sample_text(400, 101);
  TrainSettings settings = sample_settings();
  settings.steps = 120;
  SampleRun run(store, settings);
  const double before = run.trainer.validate();
  run.steps(120);
  const double after = run.trainer.validate();
  // A tenth of the tokens are noise: about 0.1 log(101 * 10) + 0.9 * 0.1 = 0.8 nats are left at
  // best.
  EXPECT_GT(before, 0.6 * std::log(101.0));
  EXPECT_LT(after, 0.5 * before);
}

TEST(Trainer, PlanIsWhatTheRunTakes) {
  const TokenStore store = sample_text(120, 101);
  for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16})
    for (const bool recompute : {false, true}) {
      TrainSettings settings = sample_settings(arithmetic);
      settings.recompute = recompute;
      SampleRun run(store, settings);
      run.steps(1);
      EXPECT_EQ(run.trainer.activation_peak(), run.trainer.plan().activation_bytes);
    }
}

TEST(Trainer, RecomputingTakesLessMemory) {
  TrainSettings settings = sample_settings();
  settings.model.layers = 12;
  const Family& family = family_by_gguf("llama", "");
  const std::int64_t kept = plan_training(family, settings).activation_bytes;
  settings.recompute = true;
  EXPECT_LT(plan_training(family, settings).activation_bytes, kept / 3);
}

TEST(Trainer, StopsBeforeAStepThatIsNotANumber) {
  const TokenStore store = sample_text(120, 101);
  SampleRun run(store, sample_settings());
  run.steps(2);
  run.trainer.parameters()[3].value.f32()[5] = std::numeric_limits<float>::quiet_NaN();
  const std::string before = weight_sum(run.trainer);
  EXPECT_THROW(run.trainer.step(), Error);
  EXPECT_EQ(weight_sum(run.trainer), before);
  EXPECT_EQ(run.trainer.state().step, 2);
}

}  // namespace

}  // namespace bantam::test
