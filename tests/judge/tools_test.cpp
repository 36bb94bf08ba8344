// The calculator, and tools whose words are put into an answer.
#include "judge/tools.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/error.h"
#include "infer/answer.h"
#include "judge/calculator.h"
#include "judge/sandbox.h"
#include "judge/support.h"

namespace bantam::test {
namespace {

using judge::calculate;

TEST(Calculator, WorksOutWhatAPersonWrites) {
  const std::pair<const char*, const char*> sums[] = {
      {"12*3", "36"},         {"48/2", "24"},       {" 1 + 2 * 3 ", "7"},        {"(1+2)*3", "9"},   {"-3--4", "1"},
      {".5*3", "1.5"},        {"1/3", "0.3333333333"}, {"20%*50", "10"},         {"100*25%", "25"},  {"$1,200/3", "400"},
      {"2 x 3 × 4 ÷ 8", "3"}, {"0*-1", "0"},        {"1e3", nullptr},            {"0.1+0.2", "0.3"}, {"123456789012*10", "1234567890120"},
      {"7", "7"},             {"1/1000000", "0.000001"}, {"10-20−5", "-15"},     {"+4", "4"},        {"16-3-4", "9"}};
  for (const auto& [sum, value] : sums) {
    const auto got = calculate(sum);
    if (value == nullptr)
      EXPECT_FALSE(got) << sum;
    else
      EXPECT_EQ(got.value_or("nothing"), value) << sum;
  }
}

TEST(Calculator, SaysNothingOfWhatIsNoSum) {
  for (const char* text : {"", "x", "3 apples", "1/0", "(1+2", "1+2)", "1..2", "2**3", "1,", ",1", "--", "%", "1 2"})
    EXPECT_FALSE(calculate(text)) << text;
  EXPECT_FALSE(calculate(std::string(100000, '(')));
  EXPECT_FALSE(calculate(std::string(100000, '-') + "1"));
}

// What the tool forces behind `text`, which comes token by token; then "|" for a token that is free.
std::string forced_behind(const JudgeModel& model, const std::string& text, const std::vector<const judge::Tool*>& tools) {
  judge::ToolUse use(model.tokenizer, tools);
  const std::vector<std::int32_t> ids = model.tokenizer->encode(text, {.add_special = false, .parse_special = false});
  const auto flags = std::make_unique<bool[]>(static_cast<std::size_t>(model.tokenizer->size()));
  const std::span<bool> allowed(flags.get(), static_cast<std::size_t>(model.tokenizer->size()));
  std::vector<std::int32_t> answer, said;
  for (std::size_t i = 0; i <= ids.size() + 300; ++i) {
    std::ranges::fill(allowed, true);
    use.restrict(answer, allowed);
    const auto free = std::ranges::count(allowed, true);
    if (free != 1) {
      if (answer.size() >= ids.size()) break;
      answer.push_back(ids[answer.size()]);
      continue;
    }
    EXPECT_GE(answer.size(), ids.size());  // not before the call is whole
    const auto next = static_cast<std::int32_t>(std::ranges::find(allowed, true) - allowed.begin());
    answer.push_back(next);
    said.push_back(next);
  }
  return model.tokenizer->decode(said);
}

TEST(Tools, TheCalculatorForcesTheValueOfASum) {
  const JudgeModel model;
  const std::vector<std::string> name{"calculator"};
  const auto tools = judge::tools_named(name);
  EXPECT_EQ(forced_behind(model, "She has <<12*3=", tools), "36>>");
  EXPECT_EQ(forced_behind(model, "<<1/3=", tools), "0.3333333333>>");
  EXPECT_EQ(forced_behind(model, "She has 12*3=", tools), "");
  EXPECT_EQ(forced_behind(model, "<<apples=", tools), "");
  EXPECT_EQ(forced_behind(model, "<<12*3", tools), "");
}

TEST(Tools, PythonIsRunBehindItsBlock) {
  if (const auto reason = judge::sandbox_missing()) GTEST_SKIP() << *reason;
  const JudgeModel model;
  const std::vector<std::string> name{"python"};
  const auto tools = judge::tools_named(name);
  EXPECT_EQ(forced_behind(model, "So:\n```python\nprint(6 * 7)\n```", tools), "\n```output\n42\n```\n");
  const std::string wrong = forced_behind(model, "```python\nprint(1 / 0)\n```", tools);
  EXPECT_NE(wrong.find("ZeroDivisionError"), std::string::npos) << wrong;
  EXPECT_EQ(forced_behind(model, "```\nprint(6 * 7)\n```", tools), "");         // no Python
  EXPECT_EQ(forced_behind(model, "```text\na\n```\n```", tools), "");           // opens a block
}

TEST(Tools, AnUnknownToolIsNamed) {
  const std::vector<std::string> name{"calculater"};
  try {
    judge::tools_named(name);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean calculator?"), std::string::npos);
  }
}

}  // namespace
}  // namespace bantam::test
