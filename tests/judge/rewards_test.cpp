// Rewards that can be verified: right answers earn 1, anything else 0, and records that cannot be
// judged are refused by their field.
#include "judge/rewards.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/sandbox.h"
#include "judge/schema.h"

namespace bantam::judge {
namespace {

double earned(const char* reward, const Json& record, const std::string& answer) {
  const RewardRule& rule = reward_by_name(reward);
  rule.check(record);
  return rule.of(record, answer);
}

std::string refused(const char* reward, const Json& record) {
  try {
    reward_by_name(reward).check(record);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Rewards, ExactTakesTheLastNumber) {
  const Json marked{{"answer", "3 times 24 is <<3*24=72>>72.\n#### 72"}};
  EXPECT_EQ(earned("exact", marked, "So it is 72."), 1);
  EXPECT_EQ(earned("exact", marked, "12 and 60: #### 72"), 1);
  EXPECT_EQ(earned("exact", marked, "72, no: 73"), 0);
  EXPECT_EQ(earned("exact", marked, "#### 73, not 72"), 1);  // what stands behind the mark, its last number
  EXPECT_EQ(earned("exact", marked, "none"), 0);
  EXPECT_EQ(earned("exact", marked, ""), 0);
  EXPECT_EQ(earned("exact", {{"answer", 1000}}, "it costs $1,000.00."), 1);
  EXPECT_EQ(earned("exact", {{"answer", "-5"}}, "minus: -5"), 1);
  EXPECT_EQ(earned("exact", {{"answer", 2.5}}, "2.50"), 1);
}

TEST(Rewards, ExactTakesTextWhole) {
  const Json record{{"answer", "Paris"}};
  EXPECT_EQ(earned("exact", record, " Paris\n"), 1);
  EXPECT_EQ(earned("exact", record, "I think: #### Paris"), 1);
  EXPECT_EQ(earned("exact", record, "It is Paris"), 0);
  EXPECT_EQ(earned("exact", record, "paris"), 0);
  EXPECT_NE(refused("exact", Json::object()).find("answer: is missing"), std::string::npos);
  EXPECT_NE(refused("exact", {{"answer", true}}).find("answer: "), std::string::npos);
  EXPECT_NE(refused("exact", {{"answer", "  "}}).find("is empty"), std::string::npos);
}

TEST(Rewards, SchemaTakesJsonThatFits) {
  const Json record{{"schema", {{"type", "object"}, {"required", {"name"}}, {"properties", {{"name", {{"type", "string"}}}}}}}};
  EXPECT_EQ(earned("schema", record, R"({"name": "a"})"), 1);
  EXPECT_EQ(earned("schema", record, "Here:\n```json\n{\"name\": \"a\"}\n```\n"), 1);
  EXPECT_EQ(earned("schema", record, R"({"name": 1})"), 0);
  EXPECT_EQ(earned("schema", record, R"({"name": "a"} or so)"), 0);
  EXPECT_EQ(earned("schema", record, ""), 0);
  EXPECT_NE(refused("schema", Json::object()).find("schema: is missing"), std::string::npos);
  const std::string said = refused("schema", {{"schema", {{"items", {{"format", "date"}}}}}});
  EXPECT_NE(said.find("schema: #/items/format"), std::string::npos) << said;
}

TEST(Rewards, TestsWantTests) {
  EXPECT_NE(refused("tests", Json::object()).find("tests: is missing"), std::string::npos);
  EXPECT_NE(refused("tests", {{"tests", 5}}).find("tests: "), std::string::npos);
  EXPECT_NE(refused("tests", {{"tests", " \n"}}).find("is empty"), std::string::npos);
  EXPECT_EQ(refused("tests", {{"tests", {"assert f(1) == 2", "assert f(2) == 3"}}}), "");
}

TEST(Rewards, TestsRunInTheSandbox) {
  if (const auto reason = sandbox_missing()) GTEST_SKIP() << "no sandbox here: " << *reason;
  const Json record{{"tests", {"assert f(1) == 2", "assert f(2) == 3"}}};
  EXPECT_EQ(earned("tests", record, "def f(x):\n    return x + 1"), 1);
  EXPECT_EQ(earned("tests", record, "Add one:\n```python\ndef f(x):\n    return x + 1\n```\nThat is all."), 1);
  EXPECT_EQ(earned("tests", record, "def f(x):\n    return 2"), 0);
  EXPECT_EQ(earned("tests", record, "raise SystemExit(0)"), 0);
  EXPECT_EQ(earned("tests", record, "I do not know"), 0);
}

TEST(Rewards, AnotherNameIsRefusedWithTheKnownOnes) {
  try {
    reward_by_name("guess");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("exact, tests, schema"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bantam::judge
