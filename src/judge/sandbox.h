// Runs a Python program that a model wrote, where it can do no harm: bubblewrap's namespaces without
// network and without files but the system's own, read only; nobody's rights; no other processes; limits on time,
// memory and what it writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::judge {

struct SandboxLimits {
  double processor_seconds = 10;  // MBPP has a solution that takes five on a slow machine
  double seconds = 30;  // by the clock: a busy machine is no fault of the program
  std::uint64_t memory = std::uint64_t{1} << 30;
  std::uint64_t written = std::uint64_t{16} << 20;  // bytes of a file, and of what it prints
};

struct SandboxResult {
  bool passed = false;
  std::string reason;  // of a failure: "timed out", or the last line of the error
  std::string output;  // what it printed, at most 64 KiB
};

// Whether programs can be run at all; else why not.
std::optional<std::string> sandbox_missing();

// Runs the program in an empty module, as `exec(program, {})` does. It passes when it comes to its
// end: an exception, an exit of any kind and a limit are failures. Standard input is empty. Throws Error when the sandbox
// itself cannot be made.
SandboxResult run_sandboxed(std::string_view program, const SandboxLimits& limits = {});

}  // namespace bantam::judge
