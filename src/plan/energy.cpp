#include "plan/energy.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace bantam::plan {

namespace {

std::optional<std::uint64_t> number_in(const Path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return number;
}

// "intel-rapl:0" is a package; "intel-rapl:0:1" a part of it, counted in it already.
bool names_package(const std::string& name) {
  return name.starts_with("intel-rapl:") && std::ranges::count(name, ':') == 1;
}

}  // namespace

EnergyMeter::EnergyMeter(const Path& root) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(root, none)) {
    if (!names_package(entry.path().filename().string())) continue;
    Package package{entry.path() / "energy_uj"};
    const auto now = number_in(package.counter);
    const auto range = number_in(entry.path() / "max_energy_range_uj");
    if (!now || !range) continue;
    package.range = *range;
    package.start = *now;
    packages_.push_back(std::move(package));
  }
}

void EnergyMeter::start() {
  for (Package& package : packages_)
    package.start = number_in(package.counter).value_or(package.start);
}

std::optional<double> EnergyMeter::joules() const {
  if (packages_.empty()) return std::nullopt;
  double total = 0;
  for (const Package& package : packages_) {
    const auto now = number_in(package.counter);
    if (!now) return std::nullopt;
    const std::uint64_t used =
        *now >= package.start ? *now - package.start : *now + package.range - package.start;
    total += static_cast<double>(used) * 1e-6;
  }
  return total;
}

}  // namespace bantam::plan
