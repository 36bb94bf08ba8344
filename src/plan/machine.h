// What this machine is and what it can do: told by the system, and measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "kernels/peak.h"

namespace bantam::plan {

struct Machine {
  struct CacheLevel {
    int level = 0;
    std::string kind;  // "data", "instruction", "unified"
    std::uint64_t bytes = 0;
  };
  std::string processor;           // as the system calls it; empty: it does not say
  unsigned threads = 0;            // that a run takes without -t
  std::vector<CacheLevel> caches;  // of the first core
  std::uint64_t memory_bytes = 0,
                free_memory_bytes = 0;  // 0: not known. A container's limit counts
  std::vector<Isa> isas;                // usable, scalar first
  Isa used = Isa::scalar;               // without BANTAM_ISA the highest
  std::vector<std::string> features;    // "avx512_vnni", ... that refine them
};
// Reads what the system says. Missing files leave their fields empty.
Machine probe_machine();

struct MachineSpeed {
  double read_bytes_per_s = 0;  // of a buffer much larger than the caches
  struct Peak {
    std::string what;             // "f32 multiply-add", ...
    double operations_per_s = 0;  // a multiply-add is two
  };
  std::vector<Peak> peaks;  // those that the instruction set has
};
// Medians of `rounds`, of all threads of the pool together; about a second at 5.
MachineSpeed measure_machine(ThreadPool& pool, Isa isa, int rounds = 5);

// "48K", "32768 kB": as the system writes sizes, in bytes; 0 when it is none.
std::uint64_t parse_size(std::string_view text);

}  // namespace bantam::plan
