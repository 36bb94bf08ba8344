// The memory of this process, as the system counts it.
#pragma once

#include <cstdint>

#include "base/file.h"

namespace bantam::plan {

struct Resident {
  std::uint64_t now = 0, peak = 0;  // bytes in memory, files that are mapped counted; 0: not known
};
// Of proc(5)'s status file.
Resident resident_memory(const Path& status = "/proc/self/status");

}  // namespace bantam::plan
