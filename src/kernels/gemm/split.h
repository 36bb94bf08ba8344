// How a product's result is cut into tasks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/rooms.h"
#include "kernels/exec.h"

namespace bantam::kernels {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t unit) {
  return ceil_div(a, unit) * unit;
}

// Multiply-adds that are done sooner than a second thread wakes.
constexpr std::int64_t kSmallWork = 100'000;

// Runs body(task, worker) over the tasks, on this thread alone if there is little to do.
template <class Body>
void run_tasks(const Exec& exec, std::int64_t tasks, bool small, Body&& body) {
  if (small)
    for (std::int64_t task = 0; task < tasks; ++task) body(task, 0u);
  else
    exec.pool.parallel_for(tasks, body);
}

// A range of `count` in pieces of a multiple of `unit`, no longer than `most`, at least `wanted` of
// them if there are as many units.
inline std::int64_t piece(std::int64_t count, std::int64_t unit, std::int64_t most,
                          std::int64_t wanted) {
  const std::int64_t size = round_up(ceil_div(count, std::max<std::int64_t>(wanted, 1)), unit);
  return std::clamp(size, unit, std::max(unit, most / unit * unit));
}

}  // namespace bantam::kernels
