// What running a kernel needs beside its arguments: threads, the table, and memory of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace bantam {

// Zeroed, aligned memory; large pieces start on 2 MiB and ask for huge pages (panels that stream
// from L2 otherwise miss the first-level TLB at every tile).
struct FreeBytes {
  void operator()(std::byte* p) const noexcept;
};
using Bytes = std::unique_ptr<std::byte[], FreeBytes>;
Bytes allocate_bytes(std::size_t count);
// The same, but what does not fill a huge page lies in small ones, so that many weights of odd
// sizes take no more memory than they have.
Bytes allocate_snugly(std::size_t count);

// Scratch that each worker keeps between regions. It grows and never shrinks.
class Scratch {
 public:
  template <class T>
  T* get(std::size_t count) {
    return reinterpret_cast<T*>(grow(count * sizeof(T)));
  }

 private:
  std::byte* grow(std::size_t bytes);
  Bytes memory_;
  std::size_t size_ = 0;
};

struct Exec {
  ThreadPool& pool;
  const Kernels& kernels;
  std::vector<Scratch>&
      scratch;  // pool.size() + 1: the last is the caller's, shared by all workers
};

// Runs a range kernel over [0, count), split over the pool. `grain`: the fewest rows a task should
// have (small work stays on one thread).
template <class Args>
void run_range(const Exec& exec, RangeKernel<Args> kernel, const Args& args, std::int64_t count,
               std::int64_t grain) {
  if (count <= grain) {
    kernel(args, 0, count);
    return;
  }
  exec.pool.parallel_ranges(count, grain, [&](std::int64_t begin, std::int64_t end, unsigned) {
    kernel(args, begin, end);
  });
}

}  // namespace bantam
