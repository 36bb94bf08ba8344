#include "plan/resident.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace bantam::plan {

Resident resident_memory(const Path& status) {
  Resident r;
  std::ifstream file(status);
  for (std::string line; std::getline(file, line);) {  // "VmHWM:     12345 kB"
    if (line.starts_with("VmHWM:")) r.peak = std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
    if (line.starts_with("VmRSS:")) r.now = std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
  }
  return r;
}

void forget_peak() noexcept {
  malloc_trim(0);  // what was freed is not of what comes
  const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t done = write(file, "5", 1);
  close(file);
}

}  // namespace bantam::plan
