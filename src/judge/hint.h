// Whether a model may have seen a test set, where nobody says what it was trained on: does it like the
// order in which the set is published (Oren et al. 2023, "Proving test set contamination in black-box
// language models"), and does it like the questions of the test better than others of the set that were
// made alike. Either may be chance or have another cause: it is a hint and no proof.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "judge/choose.h"
#include "judge/score.h"

namespace bantam::judge {

// A task whose answers tell: `name` + " in order": texts of several consecutive questions, in the
// published order and in others.
struct OrderTest {
  TaskRun run;
  std::size_t groups = 0, orders = 0;  // texts: group by group, the published order first
};
// nullopt: too few questions.
std::optional<OrderTest> order_test(const TaskRun& run, std::uint64_t seed);
// `sums`: the log-likelihood of each text.
Json order_hint(const OrderTest& test, const std::vector<double>& sums, std::uint64_t seed);

// The questions of the test and as many of the set's other split, each a text by itself.
struct GapTest {
  TaskRun run;
  std::size_t of_test = 0;  // the first so many texts
};
// nullopt: the set's other split is not there.
std::optional<GapTest> gap_test(const TaskRun& run, DataFolder& data, const Asking& asking);
// `bits`: a byte of each text.
Json gap_hint(const GapTest& test, const std::vector<double>& bits);

}  // namespace bantam::judge
