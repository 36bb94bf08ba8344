// Ties are ties, losses are found.
#include "judge/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "judge/report.h"

namespace bantam::judge {
namespace {

// A report of 5,000 items, about half of them right; `lost` of those that were right are wrong, and
// `noise` go either way.
Json planted(std::int64_t lost, std::int64_t noise) {
  const Random random(7, 1), other(8, 2);
  Json items = Json::array();
  for (std::uint64_t i = 0; i < 5000; ++i) {
    bool right = random.below(i, 2) == 1;
    if (other.below(i, 5000) < static_cast<std::uint64_t>(noise)) right = !right;
    if (right && lost > 0) {
      right = false;
      --lost;
    }
    items.push_back({{"doc", i}, {"contexts", {"q" + std::to_string(i)}},
                     {"scores", {{"acc", right ? 1.0 : 0.0}}}});
  }
  return {{"format", kReportFormat},
          {"tasks", {{"t", {{"version", "1"}, {"few_shot", 0}, {"metrics", {{"acc", Json::object()}}},
                            {"items", items}}}}}};
}

TEST(Compare, AModelWithItselfIsATieAtEverySeed) {
  const Json report = planted(0, 0);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Difference d = compare(report, report, "a", "b", {seed, 200}).front();
    EXPECT_TRUE(d.tie);
    EXPECT_EQ(d.low, 0);
    EXPECT_EQ(d.high, 0);
    EXPECT_EQ(*d.p, 1);
  }
}

TEST(Compare, FindsTwoPointsOver5000Items) {
  const Json whole = planted(0, 0);
  for (const std::int64_t noise : {0, 300}) {
    const Difference d = compare(whole, planted(100, noise), "a", "b", {1, 2000}).front();
    EXPECT_FALSE(d.tie);
    EXPECT_GT(d.loss(), 0.01);
    EXPECT_LT(d.high, 0);
    EXPECT_LE(d.low, -0.01);
    EXPECT_EQ(static_cast<std::int64_t>(d.flips.size()), *d.gained + *d.lost);
  }
  EXPECT_FALSE(compare(planted(100, 0), whole, "a", "b", {1, 500}).front().loss() > 0);
}

TEST(Compare, TellsWhatTheOtherWasNotAsked) {
  Json a = planted(0, 0), b = a;
  EXPECT_TRUE(not_compared(a, b).empty());
  b["tasks"]["t"]["items"].erase(4990);
  b["tasks"]["t"]["items"].erase(7);
  EXPECT_EQ(not_compared(a, b), std::vector<std::string>{"2 of 5000 questions of t were not asked"});
  EXPECT_TRUE(not_compared(b, a).empty());
  a["tasks"]["u"] = a["tasks"]["t"];
  EXPECT_EQ(not_compared(a, b).back(), "u was not asked");
}

TEST(Compare, McNemarsExactTest) {
  EXPECT_DOUBLE_EQ(mcnemar(0, 0), 1);
  EXPECT_NEAR(mcnemar(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(mcnemar(3, 1), 2.0 * 5 / 16, 1e-12);
  EXPECT_DOUBLE_EQ(mcnemar(4, 4), 1);
  EXPECT_LT(mcnemar(4000, 4500), 1e-6);
}

TEST(Compare, RefusesOtherQuestions) {
  const Json a = planted(0, 0);
  Json b = a;
  b["tasks"]["t"]["items"][3]["contexts"][0] = "another";
  EXPECT_THROW(compare(a, b, "a", "b"), Error);
  b = a;
  b["tasks"]["t"]["few_shot"] = 5;
  EXPECT_THROW(compare(a, b, "a", "b"), Error);
  b = a;
  b["tasks"] = {{"other", a["tasks"]["t"]}};
  EXPECT_THROW(compare(a, b, "a", "b"), Error);
}

}  // namespace
}  // namespace bantam::judge
