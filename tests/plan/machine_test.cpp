// What the system says of the machine.
#include "plan/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace bantam {
namespace {

TEST(Machine, SizesAreReadAsTheSystemWritesThem) {
  struct Case {
    const char* text;
    std::uint64_t bytes;
  };
  for (const Case& c :
       {Case{"48K", 49152}, Case{"32768 kB", 33554432}, Case{"2M", 2097152}, Case{"17", 17},
        Case{"max", 0}, Case{"", 0}, Case{"3 G", 3221225472}, Case{"9", 9},
        Case{"18446744073709551615K", 0}, Case{"99999999999999999999", 0}})
    EXPECT_EQ(parse_size(c.text), c.bytes) << c.text;
}

TEST(Machine, HasWhatEveryMachineHas) {
  const Machine m = probe_machine();
  EXPECT_GE(m.threads, 1u);
  EXPECT_LE(m.threads, static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)));
  const auto pages = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
  EXPECT_GT(m.memory_bytes, 0u);
  EXPECT_LE(m.memory_bytes, pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_LE(m.free_memory_bytes, m.memory_bytes);
  ASSERT_FALSE(m.isas.empty());
  EXPECT_EQ(m.isas.front(), Isa::scalar);
  EXPECT_NE(std::ranges::find(m.isas, m.used), m.isas.end());
}

TEST(Machine, IsMeasured) {
  ThreadPool pool(1);
  const MachineSpeed speed = measure_machine(pool, best_isa(), 1);
  EXPECT_GT(speed.read_bytes_per_s, 1e6);
  for (const MachineSpeed::Peak& peak : speed.peaks)
    EXPECT_GT(peak.operations_per_s, 1e6) << peak.what;
}

}  // namespace
}  // namespace bantam
