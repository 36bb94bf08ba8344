#include "plan/machine.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/machine.h"
#include "kernels/detect.h"
#include "kernels/exec.h"

namespace bantam::plan {

namespace {

// The first line of a small file of the system, or nothing.
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// What stands after "KEY :" in a file of such lines.
std::string value_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t from = line.find_first_not_of(" \t", colon + 1);
    return from == std::string::npos ? "" : line.substr(from);
  }
  return "";
}

std::vector<Machine::CacheLevel> caches() {
  std::vector<Machine::CacheLevel> all;
  for (int i = 0; i < 16; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = first_line(folder + "level");
    if (level.empty()) break;
    std::string kind = first_line(folder + "type");
    for (char& c : kind) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    all.push_back({std::atoi(level.c_str()), kind, parse_size(first_line(folder + "size"))});
  }
  return all;
}

struct NamedFeature {
  std::string_view name;
  bool Features::*has;
};
constexpr std::array<NamedFeature, 8> kFeatures{{
    {"avx2", &Features::avx2},
    {"avx_vnni", &Features::avx_vnni},
    {"avx512", &Features::avx512},
    {"avx512_vnni", &Features::avx512_vnni},
    {"avx512_bf16", &Features::avx512_bf16},
    {"amx_bf16", &Features::amx_bf16},
    {"amx_int8", &Features::amx_int8},
    {"neon", &Features::neon},
}};

struct NamedUnit {
  std::string_view what;
  Unit unit;
};
constexpr std::array<NamedUnit, 4> kUnits{{
    {"f32 multiply-add", Unit::fma},
    {"int8 products", Unit::bytes},
    {"bf16 tiles", Unit::tile_bf16},
    {"int8 tiles", Unit::tile_int8},
}};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return 0;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::size_t letter = unit.find_first_not_of(' ');
  if (letter == std::string_view::npos) return number;
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t power =
      kUnits.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[letter]))));
  if (power == std::string_view::npos) return number;
  const unsigned shift = 10 * (static_cast<unsigned>(power) + 1);
  return number > (UINT64_MAX >> shift) ? 0 : number << shift;
}

Machine probe_machine() {
  Machine m;
  for (const char* key : {"model name", "Model", "Hardware"}) {
    m.processor = value_of("/proc/cpuinfo", key);
    if (!m.processor.empty()) break;
  }
  m.threads = default_threads();
  m.caches = caches();
  const MemoryOfMachine memory = memory_of_machine();
  m.memory_bytes = memory.total;
  m.free_memory_bytes = memory.available;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon})
    if (isa_available(isa)) m.isas.push_back(isa);
  m.used = best_isa();
  for (const NamedFeature& f : kFeatures)
    if (cpu_features().*f.has) m.features.emplace_back(f.name);
  return m;
}

MachineSpeed measure_machine(ThreadPool& pool, Isa isa, int rounds) {
  constexpr std::size_t kBuffer = std::size_t{256} << 20;
  MachineSpeed speed;
  const Bytes buffer = allocate_bytes(kBuffer);
  std::memset(buffer.get(), 1, kBuffer);
  std::vector<double> read;
  std::array<std::vector<double>, kUnits.size()> peaks;
  for (int round = 0; round < rounds; ++round) {
    read.push_back(measure_read_bandwidth(pool, buffer.get(), kBuffer).by_clock);
    for (std::size_t i = 0; i < kUnits.size(); ++i)
      peaks[i].push_back(measure_peak(pool, isa, kUnits[i].unit, 0.02).by_clock);
  }
  speed.read_bytes_per_s = median(read);
  for (std::size_t i = 0; i < kUnits.size(); ++i)
    if (const double peak = median(peaks[i]); peak > 0)
      speed.peaks.push_back({std::string(kUnits[i].what), peak});
  return speed;
}

}  // namespace bantam::plan
