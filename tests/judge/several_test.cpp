// Several answers: how they vote, what a checker may say.
#include "judge/several.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/support.h"

namespace bantam::test {
namespace {

using judge::final_answer;

TEST(Several, TheFinalAnswerIsTheLastNumber) {
  const std::string number = judge::kLastNumber;
  EXPECT_EQ(final_answer("3 + 4 = 7, so 7.", number), "7");
  EXPECT_EQ(final_answer("It costs $1,000.50.", number), "1000.5");
  EXPECT_EQ(final_answer("-12", number), "-12");
  EXPECT_EQ(final_answer("none at all", number), "");
  EXPECT_EQ(final_answer("answer: B. Or C", "answer: ([A-Z])"), "B");
  EXPECT_THROW(final_answer("x", "("), Error);
}

TEST(Several, MostVotesWin) {
  const std::vector<std::string> finals{"", "4", "5", "5", "4", "5", ""};
  const judge::Votes votes = judge::count_votes(finals);
  EXPECT_EQ(votes.winner, 2u);
  ASSERT_EQ(votes.counts.size(), 2u);
  EXPECT_EQ(votes.counts[0], (std::pair<std::string, std::int64_t>{"5", 3}));
  // Of equals the one that came first; nobody with an answer: the first.
  EXPECT_EQ(judge::count_votes(std::vector<std::string>{"9", "4", "4", "9"}).winner, 0u);
  EXPECT_EQ(judge::count_votes(std::vector<std::string>{"", ""}).winner, 0u);
}

TEST(Several, ACheckerPrintsANumber) {
  EXPECT_EQ(judge::checked("wc -c", "four"), 4);
  EXPECT_EQ(judge::checked("true", ""), 1);
  EXPECT_TRUE(std::isinf(judge::checked("grep -q x", "abc")));
  EXPECT_EQ(judge::checked("cat > /dev/null; echo -2.5", std::string(1 << 20, 'a')), -2.5);
  EXPECT_THROW(judge::checked("echo many", ""), Error);
  EXPECT_THROW(judge::checked("/no/such/checker", ""), Error);
  EXPECT_EQ(judge::best_of("wc -c", std::vector<std::string>{"a", "abc", "xyz"}), 1u);
  EXPECT_EQ(judge::best_of("false", std::vector<std::string>{"a", "b"}), 0u);  // all rejected: the first
}

// Each metric has its own vote, by what its filter picks.
TEST(Several, ATaskIsScoredByVote) {
  judge::TaskSpec task;
  task.scorer = "match";
  task.filters = {{"strict", "#### ([0-9]+)", 0}, {"flexible", "([0-9]+)", -1}};
  judge::Item item;
  item.target = "12";
  judge::Response response;
  response.outputs = {"#### 11", "it is 12", "12", "#### 11 or 12"};
  const judge::Scored scored = judge::score_several(task, item, response, {4, "", {}});
  ASSERT_EQ(scored.values.size(), 2u);
  EXPECT_EQ(scored.values[0].second, 0);  // strict: 11 twice, the others do not vote
  EXPECT_EQ(scored.values[1].second, 1);  // flexible: 12 three times
  EXPECT_EQ(scored.correct, false);
  EXPECT_EQ(scored.more["votes"]["exact_match,flexible"]["12"], 3);
  EXPECT_EQ(scored.more["taken"], (Json{{"exact_match,strict", 0}, {"exact_match,flexible", 1}}));
  EXPECT_EQ(scored.more["filtered"]["flexible"], "11");  // of the answer that the first metric took
  const judge::Scored best = judge::score_several(task, item, response, {4, "grep -c or", {}});
  EXPECT_EQ(best.values[1].second, 1);
  EXPECT_EQ(best.more["taken"], (Json{{"exact_match,strict", 3}, {"exact_match,flexible", 3}}));
  response.outputs = {"it is 12", "#### 12"};  // the first metric's is not the first answer
  EXPECT_EQ(judge::score_several(task, item, response, {2, "", {}}).more["filtered"]["strict"], "12");
}

}  // namespace
}  // namespace bantam::test
