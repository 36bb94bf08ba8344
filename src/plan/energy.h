// What the processor's own meter says that it used: Intel's and AMD's running average power limit
// (linux, Documentation/power/powercap/powercap.rst), where this process may read it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/file.h"

namespace bantam::plan {

class EnergyMeter {
 public:
  // The packages under `root`: each has energy_uj, which wraps at max_energy_range_uj.
  explicit EnergyMeter(const Path& root = "/sys/class/powercap");
  bool works() const { return !packages_.empty(); }
  void start();
  // Joules of all packages since start(), right as long as none wrapped twice. Nothing where there
  // is no meter.
  std::optional<double> joules() const;

 private:
  struct Package {
    Path counter;
    std::uint64_t range = 0, start = 0;  // microjoules
  };
  std::vector<Package> packages_;
};

}  // namespace bantam::plan
