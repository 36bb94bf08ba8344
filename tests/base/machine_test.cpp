// What a process may use: control groups of both versions, written out as a system's files.
#include "base/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace bantam {
namespace {

class MachineFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() /
            ("bantam_machine_" + std::to_string(getpid()) + "_" +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
    put("proc/meminfo",
        "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void put(const std::string& name, const std::string& text) {
    const Path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // Version 2, this process in `group`; `mounted` is the group that is seen as the top.
  void version_2(const std::string& group, const std::string& mounted = "/") {
    put("proc/self/cgroup", "0::" + group + "\n");
    put("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 22 0:28 " + mounted +
                                   " /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n");
  }

  Path root_;
};

constexpr std::uint64_t kK = 1024;

TEST_F(MachineFiles, WithoutGroupsTheSystemsMemoryCounts) {
  const MemoryOfMachine m = memory_of_machine(root_);
  EXPECT_EQ(m.total, 16000000 * kK);
  EXPECT_EQ(m.available, 8000000 * kK);
  EXPECT_EQ(processors(root_).quota, 0);
}

TEST_F(MachineFiles, TheTightestGroupAboveBounds) {
  version_2("/user.slice/job");
  put("sys/fs/cgroup/user.slice/memory.max", "4194304\n");
  put("sys/fs/cgroup/user.slice/memory.current", "3145728\n");
  put("sys/fs/cgroup/user.slice/memory.stat", "anon 1\ninactive_file 1048576\n");
  put("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
  put("sys/fs/cgroup/user.slice/job/memory.current", "3145728\n");
  put("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
  const MemoryOfMachine m = memory_of_machine(root_);
  EXPECT_EQ(m.total, 4194304u);
  EXPECT_EQ(m.available, 4194304u - 3145728u + 1048576u);
  EXPECT_EQ(processors(root_).quota, 1.5);
}

TEST_F(MachineFiles, AContainerSeesItsOwnPartAsTheTop) {
  version_2("/docker/4f1c/inner", "/docker/4f1c");
  put("sys/fs/cgroup/memory.high", "2097152\n");
  put("sys/fs/cgroup/inner/memory.max", "1048576\n");
  put("sys/fs/cgroup/inner/memory.current", "2097152\n");  // above its limit for a moment
  const MemoryOfMachine m = memory_of_machine(root_);
  EXPECT_EQ(m.total, 1048576u);
  EXPECT_EQ(m.available, 0u);
}

TEST_F(MachineFiles, VersionOneHasAHierarchyForEachController) {
  put("proc/self/cgroup", "4:memory:/box\n3:cpuset:/\n2:cpu,cpuacct:/other\n0::/\n");
  put("proc/self/mountinfo",
      "35 31 0:32 / /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  put("sys/fs/cgroup/mem ory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/mem ory/box/memory.limit_in_bytes", "1048576\n");
  put("sys/fs/cgroup/mem ory/box/memory.usage_in_bytes", "524288\n");
  put("sys/fs/cgroup/mem ory/box/memory.stat", "inactive_file 1\ntotal_inactive_file 4096\n");
  put("sys/fs/cgroup/cpu,cpuacct/other/cpu.cfs_quota_us", "50000\n");
  put("sys/fs/cgroup/cpu,cpuacct/other/cpu.cfs_period_us", "100000\n");
  const MemoryOfMachine m = memory_of_machine(root_);
  EXPECT_EQ(m.total, 1048576u);
  EXPECT_EQ(m.available, 1048576u - 524288u + 4096u);
  EXPECT_EQ(processors(root_).quota, 0.5);
}

TEST_F(MachineFiles, SiblingsOfACoreCountOnce) {
  const unsigned usable = processors(root_).usable;
  EXPECT_EQ(processors(root_).cores, usable);  // where the system does not say
  for (unsigned cpu = 0; cpu < 256; ++cpu)
    put("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
        "0-255\n");
  EXPECT_EQ(processors(root_).cores, 1u);
}

TEST(Processors, ThreadsAreNoMoreThanCoresNorThanTheQuotaFeeds) {
  struct Case {
    Processors p;
    unsigned threads;
  };
  for (const Case& c : {Case{{8, 4, 0}, 4}, Case{{8, 8, 2.5}, 3}, Case{{8, 8, 2.4}, 2},
                        Case{{2, 2, 0.1}, 1}, Case{{2, 2, 64}, 2}})
    EXPECT_EQ(c.p.threads(), c.threads) << c.p.usable << " " << c.p.cores << " " << c.p.quota;
}

TEST(Processors, AreAtLeastOneHere) {
  EXPECT_GE(default_threads(), 1u);
  EXPECT_LE(default_threads(), static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)));
  EXPECT_GT(available_memory(), 0);
}

}  // namespace
}  // namespace bantam
