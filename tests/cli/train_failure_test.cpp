// Failure injection for training: memory that ends, a disk that fails. Afterwards the model is the
// old one or the new one, an unfinished run has a whole checkpoint or none, and going on from that
// gives the bytes of a run that never failed.
#include <gtest/gtest.h>

#include <functional>

#include "cli/faults.h"
#include "cli/program.h"
#include "cli/shell.h"
#include "cli/silence.h"

namespace bantam {
namespace {

class TrainFailures : public ::testing::Test {
 protected:
  using Fault = std::function<void(long n)>;  // negative: none

  void SetUp() override {
    std::filesystem::current_path(folder_.path());
    std::string text;
    for (int i = 0; i < 12; ++i)
      text += "{\"text\":\"" + std::string(1, static_cast<char>('a' + i)) +
              " quick brown fox jumps over the lazy dog\"}\n";
    write_file("words.jsonl", text);
    ASSERT_TRUE(run({}, {})) << read_file(log_ / "log");
    whole_ = read_file("out.gguf");
  }
  void TearDown() override { std::filesystem::current_path("/"); }

  bool run(const Fault& fault, const std::vector<std::string>& more, long n = -1) {
    std::vector<std::string> words = {
        "train", "--text",       "words.jsonl", "--out",     "out.gguf", "--size",
        "120k",  "--vocabulary", "270",         "--context", "32",       "--rows",
        "2",     "--steps",      "3",           "-t",        "1",        "--save-every",
        "0",     "--no-extend"};
    words.insert(words.end(), more.begin(), more.end());
    const test::Silence silence(log_ / "log");
    if (fault) fault(n);
    const int status = cli::run_program(words);
    reached_ = test::fault_reached();
    if (fault) fault(-1);
    return status == 0;
  }

  // What may lie in the folder after a failure, and what can be made of it.
  void look_after(long n) {
    const std::string message = read_file(log_ / "log");
    EXPECT_TRUE(("\n" + message).find("\nbantam: ") != std::string::npos) << n << ": no message";
    const std::string model = read_file("out.gguf");
    EXPECT_TRUE(model == "old" || model == whole_) << n;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(".")) {
      const std::string name = entry.path().filename().string();
      EXPECT_TRUE(name == "words.jsonl" || name == "out.gguf" || name == "out.gguf.run" ||
                  name == "checkpoint" || name == "recipe.toml")
          << n << " left " << entry.path();
    }
    if (!std::filesystem::exists("out.gguf.run")) return;
    EXPECT_TRUE(run({}, {"--resume", "--force"})) << n << ": " << read_file(log_ / "log");
    EXPECT_TRUE(read_file("out.gguf") == whole_) << n;
    EXPECT_FALSE(std::filesystem::exists("out.gguf.run")) << n;
  }

  void raise(const Fault& fault, bool many) {
    int resumed = 0;
    long n = 0;
    for (;; n += many ? 1 + n / 20 : 1) {
      ASSERT_LT(n, 10'000'000);
      write_file("out.gguf", "old");
      std::filesystem::remove_all("out.gguf.run");
      // A fault may be one that does no harm: then the model is whole.
      if (run(fault, {"--force"}, n)) {
        EXPECT_TRUE(read_file("out.gguf") == whole_) << n;
        EXPECT_FALSE(std::filesystem::exists("out.gguf.run")) << n;
        if (!reached_) break;
        continue;
      }
      resumed += std::filesystem::exists("out.gguf.run") ? 1 : 0;
      look_after(n);
    }
    EXPECT_GT(resumed, 0);  // some failures came after a checkpoint
  }

  test::ScratchFolder folder_, log_;
  std::string whole_;
  bool reached_ = false;
};

TEST_F(TrainFailures, OfMemoryLoseNothing) { raise(test::end_memory_at, true); }

TEST_F(TrainFailures, OfTheDiskLoseNothing) {
  for (const int error : {ENOSPC, EIO})
    raise([error](long n) { test::fail_call(n, error); }, false);
}

TEST_F(TrainFailures, ShortAndInterruptedWritesGoOn) {
  for (const int error : {0, EINTR})
    for (long n = 0; n < 20; ++n) {
      EXPECT_TRUE(run([error](long i) { test::fail_call(i, error); }, {"--force"}, n))
          << n << ": " << read_file(log_ / "log");
      EXPECT_TRUE(read_file("out.gguf") == whole_) << n;
    }
}

}  // namespace
}  // namespace bantam
