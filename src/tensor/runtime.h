// What computations are lent: threads and kernels. Several models of a process share one of each.
#pragma once

#include <optional>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/exec.h"
#include "kernels/kernels.h"

namespace bantam::tensor {

// Both outlive whoever computes with them.
struct Runtime {
  ThreadPool& pool;
  const Kernels& kernels;
};

// One to lend from.
class OwnRuntime {
 public:
  // `threads` 0: default_threads(). No `isa`: best_isa(). Throws Error: no such threads, or an
  // instruction set that this machine has not.
  explicit OwnRuntime(unsigned threads = 0, std::optional<Isa> isa = std::nullopt);
  Runtime lend() { return {pool_, kernels_}; }
  // The same with scratch memory: for one computation at a time.
  Exec exec() { return {pool_, kernels_, scratch_}; }

 private:
  Kernels kernels_;
  ThreadPool pool_;
  std::vector<Scratch> scratch_;
};

}  // namespace bantam::tensor
