// What this process may use of the machine: processors, by affinity and by the limit of its control
// group (a container), and memory, bounded by that limit too. The one place that asks the system.
#pragma once

#include <cstdint>

#include "base/file.h"
#include "base/rooms.h"

namespace bantam::base {

struct Processors {
  unsigned usable = 1;  // logical ones that this process may run on
  unsigned cores = 1;   // physical cores among them: two threads of one share its arithmetic
  double quota = 0;     // how many processors' time a control group gives; 0: no bound
  // Threads to compute with when nobody says: one a core, and no more than the quota feeds.
  unsigned threads() const;
};

struct MemoryOfMachine {
  std::uint64_t total = 0, available = 0;  // bytes; 0: not known. A control group's limit counts
};

// Both read files of the system under `root`; what is missing bounds nothing.
// (linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst, proc(5).)
Processors processors(const Path& root = "/");
MemoryOfMachine memory_of_machine(const Path& root = "/");

// processors().threads(), asked anew at each call.
unsigned default_threads();
// Bytes that this process could still get; INT64_MAX where the system does not say.
std::int64_t available_memory();

}  // namespace bantam::base
