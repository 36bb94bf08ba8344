#include "plan/resident.h"

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

}  // namespace bantam::plan
