// Programs that a model wrote can do no harm.
#include "judge/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "base/error.h"
#include "base/machine.h"
#include "base/thread_pool.h"
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
  // What it leaves to the end of the interpreter comes after the verdict, and is printed.
  const auto late = run_sandboxed("import atexit\natexit.register(print, 'late')\nprint('x')");
  EXPECT_TRUE(late.passed);
  EXPECT_EQ(late.output, "x\nlate\n");
  EXPECT_EQ(run_sandboxed("input()").reason, "EOFError: EOF when reading a line");
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

// What RLIMIT_AS does not count: memory that lies in files, or in segments that nobody has mapped.
TEST_F(Sandbox, MemoryThatIsNotMappedIsLimitedToo) {
  EXPECT_FALSE(run_sandboxed("for i in range(4096): open(f'/dev/shm/{i}', 'wb').write(bytes(1 << 20))").passed);
  EXPECT_FALSE(run_sandboxed("for i in range(4096): open(f'/dev/{i}', 'wb').write(bytes(1 << 20))").passed);
  EXPECT_FALSE(run_sandboxed("for i in range(4096): open(f'/tmp/{i}', 'wb').write(bytes(1 << 20))").passed);
  EXPECT_FALSE(run_sandboxed("import os\nos.memfd_create('x')").passed);
  const std::string segment =
      "import ctypes\nc = ctypes.CDLL(None)\nassert c.shmget(0, ctypes.c_size_t(1 << 20), 0o1600) >= 0";
  EXPECT_EQ(run_sandboxed(segment).reason, "AssertionError");
}

TEST_F(Sandbox, TheKernelsSettingsCannotBeWritten) {
  // Opened and not written to: where this fails, the machine that it fails on keeps its settings.
  for (const char* file : {"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"})
    EXPECT_FALSE(run_sandboxed("import os\nos.open('" + std::string(file) + "', os.O_WRONLY)").passed) << file;
  EXPECT_FALSE(run_sandboxed("import os\nos.sethostname('x')\nos.mkdir('/x')").passed);
  EXPECT_FALSE(run_sandboxed("import os\nos.chroot('/tmp')").passed);
  EXPECT_FALSE(run_sandboxed("open('/usr/bin/python3', 'r+')").passed);
  EXPECT_TRUE(run_sandboxed("import os\nassert os.geteuid() != 0 and os.getgroups() in ([], [65534])").passed);
}

// What the caller has open (of a shell: `7<>file`) is not handed on.
TEST_F(Sandbox, OpenFilesOfTheCallerAreNotTheProgramsToUse) {
  const ScratchFolder folder;
  const Path kept = folder / "kept.txt";
  write_file(kept, "here");
  const int file = ::open(kept.c_str(), O_RDWR), at = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);  // no O_CLOEXEC
  ASSERT_GE(file, 3);
  ASSERT_GE(at, 3);
  EXPECT_FALSE(run_sandboxed("import os\nos.ftruncate(" + std::to_string(file) + ", 0)").passed);
  EXPECT_FALSE(run_sandboxed("import os\nos.listdir(" + std::to_string(at) + ")").passed);
  // None but the standard ones, whatever their numbers (and the folder's that lists them).
  EXPECT_TRUE(run_sandboxed("import os\nopen_ones = []\nfor fd in range(3, 256):\n  try:\n    os.fstat(fd)\n    open_ones.append(fd)\n"
                            "  except OSError: pass\nassert not open_ones, open_ones").passed);
  ::close(file);
  ::close(at);
  EXPECT_EQ(read_file(kept), "here");
}

// Those that do harm are scored wrong, as answers to a task are; a file that they name is untouched.
TEST_F(Sandbox, HarmfulAnswersAreWrong) {
  const ScratchFolder folder;
  const Path kept = folder / "kept.txt";
  write_file(kept, "here");
  judge::TaskSpec task;
  task.file = "a test";
  task.scorer = "code";
  task.program = "{{ answer }}\nassert f() == 1\n";
  const auto right = [&](const std::string& body) {
    judge::Response answer;
    answer.output = "def f():\n    " + body + "\n    return 1\n";
    judge::Item item;
    item.record = Json::object();
    return judge::score(task, item, answer).correct.value();
  };
  EXPECT_TRUE(right("pass"));
  EXPECT_FALSE(right("while True: pass"));
  EXPECT_FALSE(right("import os\n    while True: os.fork()"));
  EXPECT_FALSE(right("x = bytearray(10 * 1024 ** 3)"));
  EXPECT_FALSE(right("import os\n    os.remove('" + kept.string() + "')"));
  EXPECT_EQ(read_file(kept), "here");
}

// The makers' own solutions are right (of MBPP all but one), no solution is wrong, over the whole of both sets.
TEST_F(Sandbox, CanonicalSolutionsPass) {
  BANTAM_NEEDS_SHARED("data/eval/humaneval");
  judge::DataFolder data{shared_folder() / "data" / "eval"};
  ThreadPool pool(default_threads());
  for (const auto& [name, field, count] : {std::tuple{"humaneval", "canonical_solution", 164}, {"mbpp", "code", 500}}) {
    const judge::TaskRun run = judge::make_run(judge::choose_task(name), data, {});
    ASSERT_EQ(run.items.size(), static_cast<std::size_t>(count));
    std::vector<int> wrong(run.items.size()), right_empty(run.items.size());
    pool.parallel_for(count, [&](std::int64_t task, unsigned) {
      const auto i = static_cast<std::size_t>(task);
      judge::Response answer;
      answer.output = run.items[i].record[field].get<std::string>();
      wrong[i] = !judge::score(*run.spec, run.items[i], answer).correct.value();
      answer.output.clear();
      right_empty[i] = judge::score(*run.spec, run.items[i], answer).correct.value();
    });
    for (std::size_t i = 0; i < run.items.size(); ++i) {
      // What the set would run first is not run, as in the field's harness.
      const bool needs_more = !run.items[i].record.value("test_setup_code", "").empty();
      EXPECT_EQ(wrong[i], needs_more) << name << ", document " << run.items[i].doc;
      EXPECT_FALSE(right_empty[i]) << name << ", document " << run.items[i].doc;
    }
  }
}

}  // namespace
}  // namespace bantam::test
