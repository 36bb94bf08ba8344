// Programs that a model wrote can do no harm.
#include "judge/sandbox.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/choose.h"
#include "judge/score.h"
#include "judge/support.h"
#include "support/shared.h"

namespace bantam::test {
namespace {

using judge::run_sandboxed;

class Sandbox : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = judge::sandbox_missing())
      GTEST_SKIP() << "no sandbox here: " << *reason;
  }
};

TEST_F(Sandbox, RunsAProgramToItsEnd) {
  EXPECT_TRUE(run_sandboxed("assert sum(range(5)) == 10\nprint('x')").passed);
  EXPECT_EQ(run_sandboxed("print('said')").output, "said\n");
  const auto wrong = run_sandboxed("assert 1 + 1 == 3");
  EXPECT_FALSE(wrong.passed);
  EXPECT_EQ(wrong.reason, "AssertionError");
  EXPECT_FALSE(run_sandboxed("def f(:").passed);
  EXPECT_FALSE(run_sandboxed("import sys; sys.exit(0)").passed);
  EXPECT_FALSE(run_sandboxed("import os; os._exit(0)").passed);
  EXPECT_FALSE(run_sandboxed("print('done-1')\nimport os; os.kill(os.getpid(), 9)").passed);
}

TEST_F(Sandbox, StopsLoopsForksAndMemory) {
  judge::SandboxLimits limits;
  limits.processor_seconds = 1;
  limits.seconds = 20;
  EXPECT_FALSE(run_sandboxed("while True: pass", limits).passed);
  limits.seconds = 1;
  EXPECT_EQ(run_sandboxed("import time\ntime.sleep(100)", limits).reason, "timed out");
  EXPECT_FALSE(run_sandboxed("import os\nwhile True: os.fork()").passed);
  EXPECT_FALSE(run_sandboxed("import subprocess\nsubprocess.run(['/usr/bin/true'], check=True)").passed);
  const auto memory = run_sandboxed("x = bytearray(10 * 1024 ** 3)");
  EXPECT_EQ(memory.reason, "MemoryError");
  EXPECT_FALSE(run_sandboxed("f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(1 << 20))").passed);
  // Threads are no processes.
  EXPECT_TRUE(run_sandboxed("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()").passed);
}

TEST_F(Sandbox, NothingOutsideChanges) {
  const ScratchFolder folder;
  const Path kept = folder / "kept.txt";
  write_file(kept, "here");
  const std::string path = kept.string();
  EXPECT_FALSE(run_sandboxed("import os\nos.remove('" + path + "')").passed);
  EXPECT_FALSE(run_sandboxed("open('" + path + "').read()").passed);
  EXPECT_FALSE(run_sandboxed("open('/usr/bantam-was-here', 'w')").passed);
  EXPECT_FALSE(run_sandboxed("import shutil\nshutil.rmtree('/usr')").passed);
  EXPECT_FALSE(run_sandboxed("import os\nassert os.listdir('/home')").passed);
  EXPECT_FALSE(run_sandboxed("import socket\nsocket.create_connection(('127.0.0.1', 80))").passed);
  EXPECT_FALSE(run_sandboxed("import socket\nsocket.create_connection(('1.1.1.1', 53), 2)").passed);
  EXPECT_FALSE(run_sandboxed("import os\nos.kill(1, 9)\nassert False").passed);
  EXPECT_EQ(read_file(kept), "here");
  EXPECT_FALSE(std::filesystem::exists("/usr/bantam-was-here"));
}

// The makers' own solutions are right, no solution is wrong.
TEST_F(Sandbox, CanonicalSolutionsPass) {
  BANTAM_NEEDS_SHARED("data/eval/humaneval");
  judge::DataFolder data{shared_folder() / "data" / "eval"};
  for (const char* name : {"humaneval", "mbpp"}) {
    const judge::TaskRun run = judge::make_run(judge::choose_task(name), data, {});
    std::size_t right = 0, right_empty = 0, asked = 0;
    for (std::size_t i = 0; i < run.items.size(); i += 8, ++asked) {  // every eighth: seconds, not a minute
      const judge::Item& item = run.items[i];
      judge::Response answer;
      const char* field = std::string(name) == "mbpp" ? "code" : "canonical_solution";
      answer.output = item.record[field].get<std::string>();
      right += judge::score(*run.spec, item, answer).correct.value();
      answer.output.clear();
      right_empty += judge::score(*run.spec, item, answer).correct.value();
    }
    EXPECT_EQ(right, asked) << name;
    EXPECT_EQ(right_empty, 0u) << name;
  }
}

}  // namespace
}  // namespace bantam::test
