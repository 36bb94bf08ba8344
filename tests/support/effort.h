// How much work a call is, for tests of code that must not fall into quadratic time: processor time, in units
// of a small task that is compiled and run beside it. Neither neighbours on the machine nor a build without
// optimisation change what a test says; a unit is some 20 ms.
#pragma once

#include <time.h>

#include <algorithm>
#include <map>
#include <string>

namespace bantam::test {

inline double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Of the small task: the least of three, since a processor that is shared is only ever slower.
inline double effort_unit() {
  static const double unit = [] {
    double best = 1e9;
    for (int round = 0; round < 3; ++round) {
      const double start = processor_seconds();
      std::map<std::string, int> counts;
      for (int i = 0; i < 30000; ++i) ++counts[std::to_string(i * 7919 % 30011)];
      best = std::min(best, processor_seconds() - start + (counts.size() == 0 ? 1 : 0));
    }
    return best;
  }();
  return unit;
}

template <class Call>
double effort(Call&& call) {
  const double unit = effort_unit();
  const double start = processor_seconds();
  call();
  return (processor_seconds() - start) / unit;
}

}  // namespace bantam::test
