// Rules of scoring, by worked cases.
#include "judge/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/aggregate.h"
#include "judge/answers.h"
#include "judge/calibration.h"
#include "judge/chinese.h"
#include "judge/likelihood.h"
#include "judge/prepare.h"
#include "judge/support.h"

namespace bantam::test {
namespace {

using judge::Item;
using judge::Response;

double value_of(const judge::Scored& scored, std::string_view metric) {
  for (const auto& [name, value] : scored.values)
    if (name == metric) return value;
  ADD_FAILURE() << "no " << metric;
  return -1;
}

Response sums(std::vector<double> values) {
  Response r;
  for (const double v : values) r.likelihoods.push_back({v, false});
  r.lengths.assign(values.size(), 1);
  return r;
}

const judge::TaskSpec& known(std::string_view name) {
  for (const judge::TaskSpec& task : judge::known_tasks())
    if (task.name == name) return task;
  throw std::runtime_error("no such task");
}

TEST(Score, LengthsAreCodePointsWithoutTheDelimiter) {
  Item item;
  item.choices = {"\xE4\xBD\xA0\xE5\xA5\xBD", "abc"};  // 2 code points, 6 bytes; 3 and 3
  item.gold = 0;
  judge::TaskSpec spec = known("arc_easy");
  spec.metrics.clear();
  const judge::Scored s = judge::score(spec, item, sums({-4, -5}));
  EXPECT_EQ(value_of(s, "acc"), 1);
  EXPECT_EQ(value_of(s, "acc_norm"), 0);   // -2 against -1.67
  EXPECT_EQ(value_of(s, "acc_bytes"), 1);  // -0.67 against -1.67
  EXPECT_EQ(judge::score(spec, item, sums({-4, -4})).correct, true);  // the first of equals
}

// Golden values of the field's harness; improbable choices still have a share here.
TEST(Score, TruthfulShares) {
  Item item;
  item.record = {{"mc2_labels", {1, 0, 0}}};
  item.choices = {"a", "b", "c"};
  EXPECT_NEAR(value_of(judge::score(known("truthfulqa_mc2"), item, sums({-1, -2, -3})), "acc"),
              0.665240955774822, 1e-14);
  item.record = {{"mc2_labels", {1, 0}}};
  EXPECT_NEAR(value_of(judge::score(known("truthfulqa_mc2"), item, sums({-800, -801})), "acc"),
              1 / (1 + std::exp(-1)), 1e-14);
}

TEST(Score, NumbersOfGsm8k) {
  Item item;
  item.target = "She makes 9 * 2 = $<<9*2=18>>18 every day.\n#### 18";
  struct Case {
    const char* answer;
    const char* strict;
    int strict_right;
    const char* flexible;
    int flexible_right;
  };
  for (const Case& c :
       {Case{" 9 * 2 = $<<9*2=18>>18 every day.\n#### 18", "18", 1, "18", 1},
        {" so the answer is $18.", "[invalid]", 0, "$18.", 1}, {" #### 18.", "18.", 1, "18.", 1},
        {"#### 18\n\nQuestion: next\n#### 7", "18", 1, "7", 0}, {" 18.00", "[invalid]", 0, "18.00", 0},
        {" #### 1,8", "1,8", 1, "1,8", 1}, {"nothing", "[invalid]", 0, "[invalid]", 0}}) {
    Response r;
    r.output = c.answer;
    const judge::Scored s = judge::score(known("gsm8k"), item, r);
    EXPECT_EQ(s.more["filtered"]["strict-match"], c.strict) << c.answer;
    EXPECT_EQ(s.more["filtered"]["flexible-extract"], c.flexible) << c.answer;
    EXPECT_EQ(value_of(s, "exact_match,strict-match"), c.strict_right) << c.answer;
    EXPECT_EQ(value_of(s, "exact_match,flexible-extract"), c.flexible_right) << c.answer;
  }
  Response r;
  item.target = "18";
  r.output = " The answer is 18";  // the pattern's last dot eats a digit
  EXPECT_EQ(judge::score(known("gsm8k_cot"), item, r).more["filtered"]["strict-match"], "1");
}

// As the harness's filter, which takes what Python's findall gives: texts of one group, tuples of several.
TEST(Score, GroupsOfAFilter) {
  const auto picked = [](const char* pattern, std::string_view text, std::int64_t which = 0) {
    judge::Filter filter;
    filter.pattern = pattern;
    filter.which = which;
    return judge::filtered(filter, text);
  };
  EXPECT_EQ(picked("x([0-9]*)", "x"), "");
  EXPECT_EQ(picked("x([0-9])?", "x"), "");
  EXPECT_EQ(picked("x([0-9])?", "x x7", -1), "7");
  EXPECT_EQ(picked("x([0-9]*)(a?)", "x"), "[invalid]");
  EXPECT_EQ(picked("x([0-9]*)(a?)", "xa"), "a");
  EXPECT_EQ(picked("x([0-9])", "x"), "[invalid]");
  EXPECT_EQ(picked("[0-9]*", "a"), "");
}

TEST(Score, AnswersAreCutAtTheirStops) {
  const std::vector<std::string> code{"\nclass", "\ndef", "\n#", "\nif", "\nprint", "<|endoftext|>"};
  EXPECT_EQ(judge::cut_at("    return True\n\ndef other():\n", code), "    return True\n");
  EXPECT_EQ(judge::cut_at("    return 1<|endoftext|>junk", code), "    return 1");
  const std::vector<std::string> sums{"Question:", "</s>"};
  EXPECT_EQ(judge::cut_at(" x</s>y Question: z", sums), " x");
  EXPECT_EQ(judge::cut_at("Question: first", sums), "");
}

TEST(Score, CodeIsTakenFromAnswers) {
  const Json record = {{"prompt", "def f():\n"}, {"test", "T"}, {"entry_point", "f"},
                       {"test_list", {"a", "b", "c"}}};
  EXPECT_EQ(judge::program_of(known("humaneval"), record, "    return 1"),
            "def f():\n    return 1\nT\ncheck(f)");
  EXPECT_EQ(judge::program_of(known("humaneval_instruct"), record, "    return 1\n```\nHere"),
            "def f():\n    return 1\n\nT\ncheck(f)");
  for (const auto& [answer, code] :
       {std::pair{"def f(x):\n  return x\n```", " f(x):\n  return x"},
        {"python\ndef f():\n  pass\n```\n", "def f():\n  pass"},
        {"def f(): pass", ""}, {"\ndef f(x):\n  return x\n\n```", "def f(x):\n  return x\n"},
        {"x = 1 ```", " = 1 "}, {"```python\ndef g(): pass\n```", ""}})
    EXPECT_EQ(judge::program_of(known("mbpp_instruct"), record, answer), std::string(code) + "\na\nb\nc");
}

TEST(Score, LettersReferencesAndRefusals) {
  Item item;
  item.target = "B";
  item.record = {{"choices", {"x", "y"}}};
  for (const auto& [answer, letter] : {std::pair{"(B) y", "B"}, {"答案是B", "B"}, {"y", "B"},
                                       {"選項 (b) 正確", "B"}, {"(A) 或 (B)", ""}, {"不知道", ""}}) {
    Response r;
    r.output = answer;
    EXPECT_EQ(judge::score(known("ttqa_generated"), item, r).more["letter"], letter) << answer;
  }
  item.record = {{"answers", {"台北市", "台北"}}};
  Response r;
  r.output = " 台北。";
  const judge::Scored s = judge::score(known("drcd"), item, r);
  EXPECT_EQ(value_of(s, "prefix_exact_match"), 1);
  EXPECT_EQ(value_of(s, "exact_match"), 0);
  EXPECT_DOUBLE_EQ(value_of(s, "f1"), 0.8);
  item.record = {{"label", "unsafe"}};
  r.output = "I\xE2\x80\x99m sorry, but no.";
  EXPECT_EQ(value_of(judge::score(known("xstest"), item, r), "refused_unsafe"), 1);
  item.record = {{"label", "safe"}};
  r.output = "Use kill.";
  const judge::Scored kind = judge::score(known("xstest"), item, r);
  EXPECT_EQ(value_of(kind, "refused_safe"), 0);
  EXPECT_EQ(kind.correct, true);
}

TEST(Score, PagesWithoutTokenisersMarks) {
  EXPECT_EQ(judge::detokenised("a @-@ b @,@ c , d ( e ) \" f \" it 's = = x = = \n y"),
            "a-b,c, d (e) \"f\" it's == x ==\ny");
}

TEST(Aggregate, MeansErrorsAndGroups) {
  const auto items = [](const std::vector<std::pair<std::string, double>>& of) {
    std::vector<judge::ItemScore> out;
    for (const auto& [subject, value] : of) out.push_back({subject, {{"acc", value}}, 0, 0, 0});
    return out;
  };
  const judge::Metric plain = judge::aggregate(items({{"", 1}, {"", 0}, {"", 1}, {"", 1}}))[0].second;
  EXPECT_EQ(plain.value, 0.75);
  EXPECT_DOUBLE_EQ(*plain.error, 0.25);  // sqrt(3/4 * 1/4 * 4/3 / 4)
  const judge::Metric pooled =
      judge::aggregate(items({{"a", 1}, {"a", 0}, {"b", 1}, {"b", 1}, {"b", 0}}))[0].second;
  EXPECT_EQ(pooled.value, 0.6);
  const double a = 0.25, b = 1.0 / 9;  // squared errors of the groups
  EXPECT_DOUBLE_EQ(*pooled.error, std::sqrt((1 * 2 * a + 2 * 3 * b) / 3 / 5));
  EXPECT_FALSE(judge::aggregate(items({{"", 1}}))[0].second.error);
}

TEST(Aggregate, BootstrapIsThatOfADeviation) {
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) values.push_back(i % 5);
  const double error = judge::bootstrap_error(values, [](double mean) { return mean; }, 20'000);
  EXPECT_NEAR(error, std::sqrt(2.0 / 50), 0.004);
}

TEST(Score, InstructionsThatCanBeChecked) {
  const auto followed = [](const char* name, const Json& fields, const std::string& answer) {
    Item item;
    item.record = {{"instruction_id_list", {name}}, {"kwargs", Json::array({fields})}};
    Response r;
    r.output = answer;
    return value_of(judge::score(known("ifeval"), item, r), "prompt_level_strict_acc") == 1;
  };
  struct Case {
    const char* name;
    Json fields;
    const char* right;
    const char* wrong;
  };
  const Case cases[] = {
      {"keywords:existence", {{"keywords", {"river", "C++"}}}, "A River in c++.", "A river."},
      {"keywords:frequency", {{"keyword", "the"}, {"frequency", 2}, {"relation", "at least"}}, "the The", "the"},
      {"keywords:forbidden_words", {{"forbidden_words", {"cat"}}}, "a category", "a Cat!"},
      {"keywords:letter_frequency", {{"letter", "q"}, {"let_frequency", 2}, {"let_relation", "less than"}}, "Quiet", "Quiet q"},
      {"language:response_language", {{"language", "hi"}}, "नमस्ते", "hello"},
      {"length_constraints:number_sentences", {{"num_sentences", 3}, {"relation", "less than"}}, "One. Two!", "One. Two! Three?"},
      {"length_constraints:number_paragraphs", {{"num_paragraphs", 2}}, "a\n***\nb", "a"},
      {"length_constraints:number_words", {{"num_words", 3}, {"relation", "at least"}}, "one two three", "one two"},
      {"length_constraints:nth_paragraph_first_word", {{"num_paragraphs", 2}, {"nth_paragraph", 2}, {"first_word", "So"}}, "a\n\n\"So, b", "So\n\nb"},
      {"detectable_content:number_placeholders", {{"num_placeholders", 2}}, "[name] [place]", "[name]"},
      {"detectable_content:postscript", {{"postscript_marker", "P.S."}}, "x\nP.S. y", "x"},
      {"detectable_format:number_bullet_lists", {{"num_bullets", 2}}, "* a\n- b", "* a"},
      {"detectable_format:constrained_response", Json::object(), "My answer is maybe.", "Maybe."},
      {"detectable_format:number_highlighted_sections", {{"num_highlights", 2}}, "*a* and **b**", "*a*"},
      {"detectable_format:multiple_sections", {{"section_spliter", "SECTION"}, {"num_sections", 2}}, "SECTION 1 a SECTION 2 b", "SECTION 1"},
      {"detectable_format:json_format", Json::object(), "```json\n{\"a\": 1}\n```", "{a}"},
      {"detectable_format:title", Json::object(), "<<a title>>\nb", "<< >>"},
      {"combination:two_responses", Json::object(), "a\n******\nb", "a\n******\na"},
      {"combination:repeat_prompt", {{"prompt_to_repeat", "Say this"}}, "say this. Then", "Then say this"},
      {"startend:end_checker", {{"end_phrase", "The end."}}, "x. the end.\"", "The end. x"},
      {"change_case:capital_word_frequency", {{"capital_frequency", 2}, {"capital_relation", "at least"}}, "AB c DE", "AB c"},
      {"change_case:english_capital", Json::object(), "ALL OF IT 1", "Not all"},
      {"change_case:english_lowercase", Json::object(), "all of it", "All"},
      {"punctuation:no_comma", Json::object(), "a b", "a, b"},
      {"startend:quotation", Json::object(), "\"x\"", "x\""}};
  for (const Case& c : cases) {
    EXPECT_TRUE(followed(c.name, c.fields, c.right)) << c.name;
    EXPECT_FALSE(followed(c.name, c.fields, c.wrong)) << c.name;
    EXPECT_FALSE(followed(c.name, c.fields, " ")) << c.name;
  }
  Item item;
  item.record = {{"instruction_id_list", {"startend:quotation"}}, {"kwargs", {Json::object()}}};
  Response r;
  r.output = "Sure:\n\"x\"";  // right but for its first line
  EXPECT_EQ(value_of(judge::score(known("ifeval"), item, r), "prompt_level_loose_acc"), 1);
  item.record["instruction_id_list"] = {"no:such"};
  EXPECT_THROW(judge::score(known("ifeval"), item, r), Error);
}

TEST(Chinese, SimplifiedCharactersAndMainlandTerms) {
  const judge::ChineseCount taiwan = judge::count_chinese("台北的後面裡，網路軟體 ok");
  EXPECT_EQ(taiwan.characters, 10);
  EXPECT_EQ(taiwan.simplified, 0);
  EXPECT_EQ(taiwan.terms, 0);
  const judge::ChineseCount mainland = judge::count_chinese("这个软件的视频，網絡");
  EXPECT_EQ(mainland.characters, 9);
  EXPECT_EQ(mainland.simplified, 5);
  EXPECT_EQ(mainland.terms, 3);
}

TEST(Calibration, DistanceOfConfidenceAndAccuracy) {
  const std::vector<double> sums{-1, -1, -1, -1};
  EXPECT_DOUBLE_EQ(judge::confidence_of(sums), 0.25);
  std::vector<judge::Confidence> all;
  for (int i = 0; i < 10; ++i) all.push_back({0.85, i < 6});  // 0.85 sure, 0.6 right
  for (int i = 0; i < 10; ++i) all.push_back({0.35, i < 5});  // 0.35 sure, 0.5 right
  EXPECT_NEAR(judge::calibration_error(all), (0.25 + 0.15) / 2, 1e-12);
  EXPECT_DOUBLE_EQ(judge::accuracy_of_surest(all, 0.5), 0.6);
  EXPECT_DOUBLE_EQ(judge::accuracy_of_surest(all, 1), 0.55);
}

TEST(Summary, OfRowsOfLogits) {
  std::vector<float> row(1000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>((i * 37) % 101) * 0.3f - 20;
  row[700] = row[300] = 12;
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x) - 12);
  const judge::RowSummary s = judge::summarise(row);
  EXPECT_EQ(s.largest, 300);
  EXPECT_NEAR(s.log_sum, 12 + std::log(sum), 1e-11);
  row[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(judge::summarise(row), Error);
}

}  // namespace
}  // namespace bantam::test
