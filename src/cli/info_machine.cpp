// `bantam info --machine`: what this machine is and does.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/progress.h"
#include "cli/info_parts.h"
#include "cli/output.h"
#include "plan/machine.h"

namespace bantam::cli {

namespace {

Json as_json(const Machine& m, const MachineSpeed& speed) {
  Json j = {{"processor", m.processor},
            {"threads", m.threads},
            {"memory_bytes", m.memory_bytes},
            {"free_memory_bytes", m.free_memory_bytes}};
  j["caches"] = Json::array();
  for (const Machine::CacheLevel& c : m.caches)
    j["caches"].push_back({{"level", c.level}, {"kind", c.kind}, {"bytes", c.bytes}});
  j["isas"] = Json::array();
  for (const Isa isa : m.isas) j["isas"].push_back(isa_name(isa));
  j["isa"] = isa_name(m.used);
  j["features"] = m.features;
  j["read_bytes_per_s"] = speed.read_bytes_per_s;
  j["operations_per_s"] = Json::object();
  for (const MachineSpeed::Peak& p : speed.peaks)
    j["operations_per_s"][p.what] = p.operations_per_s;
  return j;
}

void print_text(const Machine& m, const MachineSpeed& speed) {
  print("This machine\n");
  info_line("processor", m.processor.empty() ? "unknown" : m.processor);
  info_line("threads", std::to_string(m.threads) + " (without -t)");
  std::string caches;
  for (const Machine::CacheLevel& c : m.caches)
    caches += fmt::format("{}L{}{} {} KiB", caches.empty() ? "" : ", ", c.level,
                          c.kind == "data"          ? "d"
                          : c.kind == "instruction" ? "i"
                                                    : "",
                          c.bytes >> 10);
  if (!caches.empty()) info_line("caches", caches);
  info_line("memory", byte_text(static_cast<double>(m.memory_bytes)) + ", " +
                          byte_text(static_cast<double>(m.free_memory_bytes)) + " free");
  std::string isas, features;
  for (const Isa isa : m.isas) isas += std::string(isas.empty() ? "" : ", ") + isa_name(isa);
  for (const std::string& f : m.features) features += (features.empty() ? "" : ", ") + f;
  info_line("kernels", isas + "; used: " + isa_name(m.used));
  if (!features.empty()) info_line("features", features);
  info_line("reads memory", fmt::format("{:.1f} GB/s", speed.read_bytes_per_s / 1e9));
  for (const MachineSpeed::Peak& p : speed.peaks)
    info_line("peak", fmt::format("{:.3f} T/s of {}", p.operations_per_s / 1e12, p.what));
  print(fmt::format("A model whose weights take 1 GB writes at most {:.0f} tokens a second here.\n",
                    speed.read_bytes_per_s / 1e9));
}

}  // namespace

void show_machine(bool json) {
  const Machine machine = probe_machine();
  ThreadPool pool(machine.threads);
  const MachineSpeed speed = measure_machine(pool, machine.used);
  if (json)
    print(to_text(as_json(machine, speed)) + "\n");
  else
    print_text(machine, speed);
}

}  // namespace bantam::cli
