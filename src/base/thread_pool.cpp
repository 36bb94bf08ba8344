#include "base/thread_pool.h"

#include <utility>

#include "base/error.h"

namespace bantam::base {

namespace {

constexpr std::uint64_t pack(std::uint64_t next, std::uint64_t end) { return next << 32 | end; }

// A worker spins this long for the next region before it parks: the kernels of one step follow each
// other closely. By the clock, because a pause takes from 10 to 140 cycles, depending on the
// processor.
constexpr std::chrono::microseconds kSpinTime{50};
// At the end of a region the others have at most one task each left: after this long assume that
// one lost its core to another process. Parking leaves ours to it; a yield would leave it to others
// for a whole slice of time.
constexpr std::chrono::microseconds kEndSpinTime{30};

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace

ThreadPool::ThreadPool(unsigned threads)
    : workers_(threads == 0 ? 1 : threads), runs_(new Run[workers_]) {
  try {
    for (unsigned w = 1; w < workers_; ++w) threads_.emplace_back([this, w] { worker_loop(w); });
  } catch (const std::system_error&) {
    stopping_.store(true);
    generation_.fetch_add(1);
    generation_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    throw Error("cannot start " + std::to_string(workers_) + " threads; say -t with fewer");
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::run(std::int64_t tasks, void* body, Call call) {
  if (tasks <= 0) return;
  if (workers_ == 1 || tasks == 1) {
    for (std::int64_t task = 0; task < tasks; ++task)
      call(body, static_cast<std::uint32_t>(task), 0);
    return;
  }
  const std::lock_guard lock(caller_);
  body_ = body;
  call_ = call;
  run_region(static_cast<std::uint32_t>(tasks));
  if (failed_.load(std::memory_order_acquire)) rethrow();
}

void ThreadPool::rethrow() {
  failed_.store(false);
  std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::call_task(std::uint32_t task, unsigned worker) noexcept {
  try {
    call_(body_, task, worker);
  } catch (...) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_ || task < failed_task_) {
      failure_ = std::current_exception();
      failed_task_ = task;
    }
    failed_.store(true, std::memory_order_release);
  }
}

void ThreadPool::run_region(std::uint32_t tasks) {
  // A late worker may still be looking for tasks of the region before: it finds only empty runs
  // until the stores below, and a claim that succeeds is a claim on this region, because body_ and
  // call_ are read after the claim.
  unfinished_.store(tasks, std::memory_order_relaxed);
  for (unsigned w = 0; w < workers_; ++w) {
    const std::uint64_t begin = std::uint64_t{tasks} * w / workers_;
    const std::uint64_t end = std::uint64_t{tasks} * (w + 1) / workers_;
    runs_[w].next_and_end.store(pack(begin, end), std::memory_order_release);
  }
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();  // no system call unless somebody is parked
  work(0);
  wait_until_finished();
}

void ThreadPool::work(unsigned self) {
  for (unsigned offset = 0; offset < workers_; ++offset) {
    const unsigned victim = (self + offset) % workers_;
    std::uint32_t task;
    while (claim(runs_[victim], offset == 0, task)) {
      call_task(task, self);
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1 && self != 0)
        unfinished_.notify_one();
    }
  }
}

bool ThreadPool::claim(Run& run, bool from_front, std::uint32_t& task) {
  std::uint64_t seen = run.next_and_end.load(std::memory_order_acquire);
  for (;;) {
    const std::uint64_t next = seen >> 32, end = seen & 0xffffffffu;
    if (next >= end) return false;
    const std::uint64_t rest = from_front ? pack(next + 1, end) : pack(next, end - 1);
    if (run.next_and_end.compare_exchange_weak(seen, rest, std::memory_order_acq_rel,
                                               std::memory_order_acquire)) {
      task = static_cast<std::uint32_t>(from_front ? next : end - 1);
      return true;
    }
  }
}

void ThreadPool::wait_until_finished() {
  if (unfinished_.load(std::memory_order_acquire) == 0) return;
  const auto deadline = std::chrono::steady_clock::now() + kEndSpinTime;
  do {
    for (int spin = 0; spin < 32; ++spin) {
      if (unfinished_.load(std::memory_order_acquire) == 0) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  for (std::uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;)
    unfinished_.wait(left, std::memory_order_acquire);
}

void ThreadPool::worker_loop(unsigned self) {
  std::uint32_t seen = 0;
  for (;;) {
    const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
    while (generation_.load(std::memory_order_acquire) == seen &&
           std::chrono::steady_clock::now() < deadline)
      for (int spin = 0; spin < 32 && generation_.load(std::memory_order_acquire) == seen; ++spin)
        relax();
    generation_.wait(seen, std::memory_order_acquire);  // returns at once if it has changed
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    work(self);
  }
}

}  // namespace bantam::base
