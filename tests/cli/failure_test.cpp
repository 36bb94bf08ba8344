// Failure injection: every command that writes, with memory that ends at its n-th allocation or its
// n-th call to the system failing, for n = 0, 1, ... until it succeeds. Afterwards there is the old
// file or the new one, never half of one, nothing beside it, and a message was printed.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <map>

#include "cli/faults.h"
#include "cli/interrupt.h"
#include "cli/program.h"
#include "cli/shell.h"
#include "cli/silence.h"

namespace bantam {
namespace {

using Tree = std::map<std::string, std::string>;  // path to content

Tree tree_of(const Path& folder) {
  Tree tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      tree[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
    else
      tree[std::filesystem::relative(entry.path(), folder).string() + "/"] = "";
  return tree;
}

struct Command {
  const char* name;
  std::vector<std::string> words;
  friend std::ostream& operator<<(std::ostream& out, const Command& c) { return out << c.name; }
};

class Failures : public ::testing::TestWithParam<Command> {
 protected:
  using Fault = std::function<void(long n)>;  // negative: none

  // True when the command succeeds with the fault.
  bool run(const Fault& fault, long n) {
    const test::Silence silence(log_ / "log");
    fault(n);
    const int status = cli::run_program(GetParam().words);
    reached_ = test::fault_reached();
    fault(-1);
    return status == 0;
  }

  // Raises n until the command succeeds; allocations are many, so n grows by more and more.
  void raise(const Fault& fault, bool many) {
    const test::ScratchFolder folder;
    std::filesystem::current_path(folder.path());
    test::write_models(folder.path());
    std::filesystem::create_directory("out");
    for (const char* name : {"out.gguf", "out.f32", "out/config.json"}) write_file(name, "old");
    const Tree before = tree_of(folder.path());
    ASSERT_TRUE(run(fault, -1)) << read_file(log_ / "log");
    const Tree after = tree_of(folder.path());
    ASSERT_NE(before, after);
    long n = 0;
    for (;; n += many ? 1 + n / 40 : 1) {
      ASSERT_LT(n, 1000000);
      restore(folder.path(), before);
      const bool succeeded = run(fault, n);
      const Tree now = tree_of(folder.path());
      if (succeeded) {
        EXPECT_TRUE(now == after) << n;
        if (!reached_) break;
        continue;  // a fault that does no harm
      }
      const std::string message = read_file(log_ / "log");
      // Reporting may fail when the file is in place already.
      EXPECT_TRUE(now == before || now == after) << n << ": " << message;
      EXPECT_TRUE(("\n" + message).find("\nbantam: ") != std::string::npos)
          << n << " gave no message";
    }
    EXPECT_GT(n, 0);
    std::filesystem::current_path("/");
  }

  static void restore(const Path& folder, const Tree& tree) {
    for (const char* name : {"out.gguf", "out.f32", "out"})
      std::filesystem::remove_all(folder / name);
    std::filesystem::create_directory(folder / "out");
    for (const char* name : {"out.gguf", "out.f32", "out/config.json"})
      write_file(folder / name, tree.at(name));
  }

  test::ScratchFolder log_;
  bool reached_ = false;
};

TEST_P(Failures, OfMemoryLeaveNothingHalf) { raise(test::end_memory_at, true); }

TEST_P(Failures, OfTheDiskLeaveNothingHalf) {
  for (const int error : {ENOSPC, EIO})
    raise([error](long n) { test::fail_call(n, error); }, false);
}

TEST_P(Failures, InterruptsLeaveNothingHalf) {
  const test::ScratchFolder folder;
  std::filesystem::current_path(folder.path());
  test::write_models(folder.path());
  const Tree before = tree_of(folder.path());
  cli::watch_signals();
  std::raise(SIGTERM);
  EXPECT_FALSE(run([](long) {}, -1));
  cli::forget_interrupt();
  std::signal(SIGTERM, SIG_DFL);
  EXPECT_TRUE(tree_of(folder.path()) == before);
  EXPECT_TRUE(read_file(log_ / "log").ends_with("bantam: interrupted\n"));
  std::filesystem::current_path("/");
}

TEST_P(Failures, ShortAndInterruptedWritesGoOn) {
  for (const int error : {0, EINTR}) {
    const Fault fault = [error](long n) { test::fail_call(n, error); };
    const test::ScratchFolder folder;
    std::filesystem::current_path(folder.path());
    test::write_models(folder.path());
    ASSERT_TRUE(run(fault, -1));
    const Tree expected = tree_of(folder.path());
    for (long n = 0; n < 40; ++n) {
      EXPECT_TRUE(run(fault, n)) << n << ": " << read_file(log_ / "log");
      EXPECT_TRUE(tree_of(folder.path()) == expected) << n;
    }
    std::filesystem::current_path("/");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cli, Failures,
    ::testing::Values(
        Command{"convert_to_gguf", {"convert", "tiny", "out.gguf", "--type", "f16", "--force"}},
        Command{"convert_to_folder", {"convert", "tiny.gguf", "out", "--force"}},
        Command{"quantize", {"quantize", "tiny.gguf", "out.gguf", "--force"}},
        Command{"logits",
                {"logits", "tiny.gguf", "--tokens", "1,2,3", "--out", "out.f32", "-t", "1"}}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace bantam
