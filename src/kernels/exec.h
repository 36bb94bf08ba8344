// What running a kernel needs beside its arguments: threads, the table, and memory of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

// Zeroed, aligned memory; large pieces start on 2 MiB and ask for huge pages (panels that stream
// from L2 otherwise miss the first-level TLB at every tile).
struct FreeBytes {
  void operator()(std::byte* p) const noexcept;
};
using Bytes = std::unique_ptr<std::byte[], FreeBytes>;
Bytes allocate_bytes(std::size_t count);

// Memory of many pieces, such as the weights of a model, side by side on huge pages: a walk of the
// page tables for every 4 KiB would halve the speed of decoding, and a huge page for each piece
// would waste most of it. The memory lives as long as the last piece of its block.
class MemoryBlocks {
 public:
  // Zeroed, on a whole cache line. Throws bad_alloc.
  std::shared_ptr<std::byte> take(std::size_t count);

 private:
  std::shared_ptr<std::byte> block_;
  std::size_t used_ = 0, size_ = 0;
};

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

}  // namespace bantam::kernels
