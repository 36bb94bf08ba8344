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
// From now on the peak is counted anew, from what is in memory at this moment, where the system can do that
// (proc(5), clear_refs).
void forget_peak() noexcept;

}  // namespace bantam::plan
