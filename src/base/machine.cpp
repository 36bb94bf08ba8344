#include "base/machine.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bantam::base {

namespace {

// A group that has no limit says so by a number near 2^63 (version 1) or by "max" (version 2).
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::string first_line(const Path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// The number after a word, in a file of lines "WORD NUMBER ..." or "WORD: NUMBER ...".
std::optional<std::uint64_t> number_after(const Path& file, std::string_view word) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name, value;
    fields >> name >> value;
    if (name.ends_with(':')) name.pop_back();
    if (name == word) return number_of(value);
  }
  return std::nullopt;
}

bool has_word(std::string_view list, std::string_view word) {
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    if (list.substr(from, comma - from) == word) return true;
    from = comma + 1;
  }
  return false;
}

// Paths in mountinfo write a space as \040, and so on.
std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Where the control groups of a hierarchy are mounted, and which group that is. `controller`: of a
// hierarchy of version 1; empty: version 2.
struct Mount {
  std::string group, point;
};
std::optional<Mount> find_mount(const Path& root, std::string_view controller) {
  std::ifstream in(root / "proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream front(line.substr(0, dash)), back(line.substr(dash + 3));
    std::string id, parent, device, group, point, type, source, options;
    front >> id >> parent >> device >> group >> point;
    back >> type >> source >> options;
    const bool ours =
        controller.empty() ? type == "cgroup2" : type == "cgroup" && has_word(options, controller);
    if (ours) return Mount{without_escapes(group), without_escapes(point)};
  }
  return std::nullopt;
}

// The group of this process in that hierarchy: "/docker/4f1c".
std::optional<std::string> find_group(const Path& root, std::string_view controller) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view list = std::string_view(line).substr(first + 1, second - first - 1);
    if (controller.empty() ? list.empty() : has_word(list, controller))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// The folder of this process's group and of all that it lies in: each may have a limit. A group
// outside of what is mounted (a container sees its own part alone) has the mount's.
std::vector<Path> group_folders(const Path& root, std::string_view controller) {
  const auto mount = find_mount(root, controller);
  const auto group = find_group(root, controller);
  if (!mount || !group) return {};
  std::string inside = *group;
  if (mount->group != "/")
    inside = inside.starts_with(mount->group) ? inside.substr(mount->group.size()) : "";
  if (inside.find("..") != std::string::npos) inside.clear();
  const Path top = root / Path(mount->point).relative_path();
  std::vector<Path> folders{top};
  for (const Path& step : Path(inside).relative_path())
    if (!step.empty()) folders.push_back(folders.back() / step);
  return folders;
}

struct Bound {
  std::uint64_t limit = 0, left = 0;
};
// Pages of files that nobody reads just now are given back before a limit is felt.
std::optional<Bound> memory_bound(const Path& folder, const char* limit_file,
                                  const char* usage_file, std::string_view idle_pages) {
  const auto limit = number_of(first_line(folder / limit_file));
  if (!limit || *limit >= kNoLimit) return std::nullopt;
  const std::uint64_t used = number_of(first_line(folder / usage_file)).value_or(0);
  const std::uint64_t idle = number_after(folder / "memory.stat", idle_pages).value_or(0);
  const std::uint64_t held = used - std::min(used, idle);
  return Bound{*limit, *limit - std::min(*limit, held)};
}

double quota_of(const Path& root) {
  double least = 0;
  const auto bound = [&](std::optional<std::uint64_t> time, std::optional<std::uint64_t> period) {
    if (!time || !period || *period == 0 || *time == 0) return;
    const double quota = static_cast<double>(*time) / static_cast<double>(*period);
    least = least == 0 ? quota : std::min(least, quota);
  };
  for (const Path& folder : group_folders(root, "")) {
    std::istringstream line(first_line(folder / "cpu.max"));
    std::string time, period;
    line >> time >> period;
    bound(number_of(time), number_of(period));
  }
  for (const Path& folder : group_folders(root, "cpu"))
    bound(number_of(first_line(folder / "cpu.cfs_quota_us")),
          number_of(first_line(folder / "cpu.cfs_period_us")));
  return least;
}

// The processors that the scheduler gives us. The kernel's set may be larger than cpu_set_t.
std::vector<unsigned> allowed_processors() {
  for (std::size_t most = 1024; most <= (std::size_t{1} << 20); most *= 4) {
    const std::size_t bytes = CPU_ALLOC_SIZE(most);
    std::vector<cpu_set_t> set(bytes / sizeof(cpu_set_t) + 1);
    if (sched_getaffinity(0, bytes, set.data()) != 0) continue;
    std::vector<unsigned> out;
    for (unsigned cpu = 0; cpu < most; ++cpu)
      if (CPU_ISSET_S(cpu, bytes, set.data())) out.push_back(cpu);
    return out;
  }
  return {};
}

}  // namespace

unsigned Processors::threads() const {
  const unsigned most = std::max(1u, std::min(usable, cores));
  if (quota <= 0) return most;
  const double fed = std::max(1.0, std::floor(quota + 0.5));
  return fed < most ? static_cast<unsigned>(fed) : most;
}

Processors processors(const Path& root) {
  const std::vector<unsigned> allowed = allowed_processors();
  Processors out;
  out.usable = allowed.empty() ? std::max(1u, std::thread::hardware_concurrency())
                               : static_cast<unsigned>(allowed.size());
  std::set<std::string> cores;
  for (const unsigned cpu : allowed) {
    const Path folder = root / ("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology");
    const std::string siblings = first_line(folder / "thread_siblings_list");
    cores.insert(siblings.empty() ? "alone " + std::to_string(cpu) : siblings);
  }
  out.cores = cores.empty() ? out.usable : static_cast<unsigned>(cores.size());
  out.quota = quota_of(root);
  return out;
}

MemoryOfMachine memory_of_machine(const Path& root) {
  const Path file = root / "proc/meminfo";
  MemoryOfMachine out{number_after(file, "MemTotal").value_or(0) * 1024,
                      number_after(file, "MemAvailable").value_or(0) * 1024};
  const auto bound = [&](const std::optional<Bound>& by) {
    if (!by) return;
    if (out.total == 0 || by->limit < out.total) out.total = by->limit;
    if (out.available == 0 || by->left < out.available) out.available = by->left;
  };
  for (const Path& folder : group_folders(root, ""))
    for (const char* limit : {"memory.max", "memory.high"})
      bound(memory_bound(folder, limit, "memory.current", "inactive_file"));
  for (const Path& folder : group_folders(root, "memory"))
    bound(memory_bound(folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                       "total_inactive_file"));
  return out;
}

unsigned default_threads() { return processors().threads(); }

std::int64_t available_memory() {
  const MemoryOfMachine memory = memory_of_machine();
  if (memory.total == 0) return INT64_MAX;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(memory.available, INT64_MAX));
}

}  // namespace bantam::base
