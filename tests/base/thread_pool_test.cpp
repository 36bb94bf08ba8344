// Every task once, by any number of threads; exceptions do not depend on them.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <string>

namespace bantam {
namespace {

class Pools : public ::testing::TestWithParam<unsigned> {};

TEST_P(Pools, RunEveryTaskOnce) {
  ThreadPool pool(GetParam());
  for (const std::int64_t tasks : {0, 1, 2, 7, 64, 1000}) {
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(tasks));
    pool.parallel_for(tasks, [&](std::int64_t task, unsigned worker) {
      EXPECT_LT(worker, pool.size());
      ++calls[static_cast<std::size_t>(task)];
    });
    for (const std::atomic<int>& count : calls) EXPECT_EQ(count, 1);
  }
}

TEST_P(Pools, RangesCoverWithoutOverlap) {
  ThreadPool pool(GetParam());
  for (const std::int64_t count : {1, 5, 31, 32, 33, 1000})
    for (const std::int64_t grain : {1, 16, 32}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      pool.parallel_ranges(count, grain, [&](std::int64_t begin, std::int64_t end, unsigned) {
        EXPECT_EQ(begin % grain, 0);
        EXPECT_LT(begin, end);
        for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      for (const std::atomic<int>& times : seen) EXPECT_EQ(times, 1);
    }
}

TEST_P(Pools, ThrowWhatTheLowestTaskThrew) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 50; ++round) {
    try {
      pool.parallel_for(100, [](std::int64_t task, unsigned) {
        if (task % 10 == 3) throw std::runtime_error(std::to_string(task));
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "3");
    }
  }
  std::atomic<int> after = 0;
  pool.parallel_for(10, [&](std::int64_t, unsigned) { ++after; });
  EXPECT_EQ(after, 10);
}

TEST_P(Pools, NoWorkerRunsTwoTasksAtOnce) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> busy(pool.size());
  pool.parallel_for(500, [&](std::int64_t, unsigned worker) {
    EXPECT_EQ(busy[worker]++, 0);
    std::this_thread::yield();
    --busy[worker];
  });
}

TEST_P(Pools, ServeSeveralCallers) {
  ThreadPool pool(GetParam());
  std::vector<std::int64_t> sums(3);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < sums.size(); ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<std::int64_t> sum = 0;
        pool.parallel_for(20, [&](std::int64_t task, unsigned) { sum += task; });
        sums[caller] += sum;
      }
    });
  for (std::thread& caller : callers) caller.join();
  for (const std::int64_t sum : sums) EXPECT_EQ(sum, 200 * 190);
}

INSTANTIATE_TEST_SUITE_P(Threads, Pools, ::testing::Values(1u, 2u, 3u, 8u));

}  // namespace
}  // namespace bantam
