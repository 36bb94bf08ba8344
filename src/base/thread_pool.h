// A small thread pool for kernels: one parallel region at a time, a fixed number of tasks, no
// allocation per region. Each worker starts with its own contiguous run of tasks, so neighbours
// share that core's caches; a worker whose run is empty steals single tasks from the far end of
// another run. A region ends well even if one core is lost to another process, as long as there are
// several tasks a thread (4 to 8). Which thread runs a task must not change its result.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/rooms.h"

namespace bantam::base {

class ThreadPool {
 public:
  // The calling thread is worker 0, so `threads` - 1 threads are started (at least one worker).
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned size() const { return workers_; }

  // Calls body(task, worker) once for each task in [0, tasks) and returns when all have finished.
  // `worker` < size() names scratch memory that no other running task uses. If bodies throw, the
  // exception of the lowest task is thrown on, so that the message does not depend on the number of
  // threads. The body must not call parallel_for on this pool. Several threads may call it (models
  // that share a pool): their regions come one after another.
  template <class Body>
  void parallel_for(std::int64_t tasks, Body&& body) {
    using Callable = std::remove_reference_t<Body>;
    run(tasks, const_cast<void*>(static_cast<const void*>(&body)),
        [](void* callable, std::uint32_t task, unsigned worker) {
          (*static_cast<Callable*>(callable))(static_cast<std::int64_t>(task), worker);
        });
  }

  // Splits [0, count) into ranges of at least `grain`, about six a thread, and calls
  // body(begin, end, worker) for each.
  template <class Body>
  void parallel_ranges(std::int64_t count, std::int64_t grain, Body&& body) {
    if (count <= 0) return;
    const std::int64_t wanted = workers_ == 1 ? 1 : 6 * static_cast<std::int64_t>(workers_);
    std::int64_t size = (count + wanted - 1) / wanted;
    if (grain > 1) size = (size + grain - 1) / grain * grain;
    const std::int64_t tasks = (count + size - 1) / size;
    parallel_for(tasks, [&](std::int64_t task, unsigned worker) {
      const std::int64_t begin = task * size, end = begin + size < count ? begin + size : count;
      body(begin, end, worker);
    });
  }

 private:
  using Call = void (*)(void* callable, std::uint32_t task, unsigned worker);
  // [next, end) in one word, so that the owner (front) and thieves (back) cannot both take the last
  // task.
  struct alignas(64) Run {
    std::atomic<std::uint64_t> next_and_end{0};
  };

  void run(std::int64_t tasks, void* body, Call call);
  void run_region(std::uint32_t tasks);
  void call_task(std::uint32_t task, unsigned worker) noexcept;
  void rethrow();
  void work(unsigned self);
  static bool claim(Run& run, bool from_front, std::uint32_t& task);
  void wait_until_finished();
  void worker_loop(unsigned self);

  const unsigned workers_;
  std::mutex caller_;  // held for a region
  std::unique_ptr<Run[]> runs_;
  void* body_ = nullptr;
  Call call_ = nullptr;
  // 32-bit, so that the standard library waits on them with a futex directly; apart, so that
  // finishing does not disturb waiting.
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failed_{false};
  std::mutex failure_mutex_;
  std::uint32_t failed_task_ = 0;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace bantam::base
