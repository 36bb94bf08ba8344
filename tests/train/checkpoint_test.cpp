// A checkpoint that was cut, changed, or belongs to another run is refused, and says why.
#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/random.h"
#include "train/sample_run.h"

namespace bantam::test {

namespace {

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() : store_(sample_text(60, 101)), run_(store_, sample_settings()) {
    run_.steps(2);
    run_.trainer.save(path_);
    bytes_ = read_file(path_);
  }
  // What reading these bytes says; empty: they were taken.
  std::string refusal(const std::string& bytes) {
    write_file(path_, bytes);
    const std::string before = weight_sum(run_.trainer);
    try {
      run_.trainer.resume(path_);
    } catch (const Error& error) {
      EXPECT_EQ(weight_sum(run_.trainer), before);
      return error.what();
    }
    return "";
  }
  TokenStore store_;
  SampleRun run_;
  std::filesystem::path path_ = std::filesystem::path(::testing::TempDir()) / "bantam-checkpoint";
  std::string bytes_;
};

TEST_F(CheckpointTest, IsReadBack) { EXPECT_EQ(refusal(bytes_), ""); }

TEST_F(CheckpointTest, CutAtAnyPlaceIsRefused) {
  const Random random(3, 3);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string message = refusal(bytes_.substr(0, random.below(i, bytes_.size())));
    EXPECT_NE(message.find("bantam-checkpoint"), std::string::npos);
    EXPECT_NE(message.find("cut"), std::string::npos) << message;
  }
}

TEST_F(CheckpointTest, EveryFlippedBitIsNoticed) {
  const Random random(4, 4);
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::string changed = bytes_;
    const std::uint64_t bit = random.below(i, changed.size() * 8);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(refusal(changed), "") << "bit " << bit;
  }
}

TEST_F(CheckpointTest, OfANewerVersionSaysSo) {
  std::string newer = bytes_;
  newer[7] = '2';
  EXPECT_NE(refusal(newer).find("version"), std::string::npos);
}

TEST_F(CheckpointTest, OfAnotherRecipeNamesTheDifference) {
  write_file(path_, bytes_);
  TrainSettings other = sample_settings();
  other.optimiser.rate = 1e-3;
  SampleRun run(store_, other);
  try {
    run.trainer.resume(path_);
    FAIL() << "a checkpoint of another recipe was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("rate: 0.003 in the checkpoint, 0.001 now"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(CheckpointTest, OfAnotherRecipeNamesEveryDifferenceButMoreSteps) {
  write_file(path_, bytes_);
  TrainSettings other = sample_settings();
  other.optimiser.rate = 1e-3;
  other.optimiser.clip = 2;
  other.steps += 5;
  other.groups = 2;  // which the settings name only where there are several
  SampleRun run(store_, other);
  try {
    run.trainer.resume(path_);
    FAIL() << "a checkpoint of another recipe was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "belongs to another recipe: rate: 0.003 in the checkpoint, 0.001 now; clip: 1 in the checkpoint, 2 now; groups: "
              "not said in the checkpoint, 2 now; put it back to go on, or begin anew with --force and without --resume");
  }
}

TEST_F(CheckpointTest, OfMoreThanIsAskedForSaysHowMuch) {
  write_file(path_, bytes_);
  TrainSettings shorter = sample_settings();
  shorter.steps = 1;
  SampleRun run(store_, shorter);
  try {
    run.trainer.resume(path_);
    FAIL() << "a run was made shorter than it is";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),  // 16 rows of 64 a step
              "the run has already learnt 2048 tokens (2 steps), more than the 1024 tokens (1 step) that are "
              "asked for: --tokens, --steps and --epochs can only be larger");
  }
}

TEST_F(CheckpointTest, OfOtherTextIsRefused) {
  write_file(path_, bytes_);
  const TokenStore other = sample_text(61, 101);
  SampleRun run(other, sample_settings());
  try {
    run.trainer.resume(path_);
    FAIL() << "a checkpoint of other text was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("other text"), std::string::npos) << error.what();
  }
}

}  // namespace

}  // namespace bantam::test
