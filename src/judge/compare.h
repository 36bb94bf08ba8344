// Two reports of the same questions: is the difference more than chance?
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"

namespace bantam::judge {

struct CompareOptions {
  std::uint64_t seed = 1;
  std::int64_t samples = 10'000;  // of the bootstrap
};

// A metric of a task, over the items that both reports have.
struct Difference {
  std::string task, metric;
  std::int64_t items = 0;
  double a = 0, b = 0;      // the scores of both
  double low = 0, high = 0;  // b - a lies between them with 95 % (paired bootstrap over items)
  // Of scores that are right or wrong: items that one alone has right, and how likely such a
  // difference is by chance (McNemar 1947, exact, two-sided).
  std::optional<std::int64_t> gained, lost;
  std::optional<double> p;
  bool lower_is_better = false;
  bool tie = true;
  std::vector<std::string> flips;  // documents that went wrong ("-12") or right ("+3")

  // How much worse b is, in the metric's own unit; negative where it is better.
  double loss() const { return lower_is_better ? b - a : a - b; }
};

// Throws Error naming `a` or `b` (what errors call the reports): no report, no common task, the same
// task asked otherwise (shots, template, prompts).
std::vector<Difference> compare(const Json& a, const Json& b, const std::string& a_name,
                                const std::string& b_name, const CompareOptions& options = {});

// What `a` holds and `b` was not asked, a line for each task: "hellaswag was not asked", "15 of 20 questions of arc_easy were
// not asked". Of reports that compare() took.
std::vector<std::string> not_compared(const Json& a, const Json& b);

// Reads a report of `bantam eval`. Throws Error.
Json read_report(const std::string& file);

// Two-sided: how likely it is that of `gained` + `lost` throws of a coin so many, or more extreme,
// fall one way.
double mcnemar(std::int64_t gained, std::int64_t lost);

}  // namespace bantam::judge
