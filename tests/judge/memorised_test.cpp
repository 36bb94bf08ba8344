// What is personal is found and what only looks like it is not; lines of training text are asked for, and
// hints count what they say they count.
#include "judge/memorised.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/hint.h"
#include "judge/personal.h"
#include "judge/support.h"
#include "judge/template.h"

namespace bantam::test {
namespace {

std::vector<std::string> found_in(const std::string& text) {
  std::vector<std::string> out;
  for (const judge::Personal& p : judge::personal_data(text)) out.push_back(std::string(p.kind) + " " + text.substr(p.at, p.size));
  return out;
}

TEST(Personal, FindsWhatIsPersonal) {
  using List = std::vector<std::string>;
  EXPECT_EQ(found_in("Write to Ann.Lee+x@mail.example.org, or call 0912-345-678."),
            (List{"e-mail Ann.Lee+x@mail.example.org", "telephone 0912-345-678"}));
  EXPECT_EQ(found_in("+886 2 2345 6789 and (02) 2345-6789"), (List{"telephone +886 2 2345 6789", "telephone (02) 2345-6789"}));
  EXPECT_EQ(found_in("card 4111 1111 1111 1111"), (List{"card 4111 1111 1111 1111"}));
  EXPECT_EQ(found_in("身分證A123456789號"), (List{"identity number A123456789"}));
  EXPECT_EQ(found_in("IBAN GB82 WEST 1234 5698 7654 32 it is"), (List{"account GB82 WEST 1234 5698 7654 32"}));
}

TEST(Personal, NumbersWithoutTheirCheckDigitAreNone) {
  EXPECT_TRUE(found_in("4111 1111 1111 1112").empty());
  EXPECT_TRUE(found_in("A123456788").empty());
  EXPECT_TRUE(found_in("GB82 WEST 1234 5698 7654 33").empty());
  EXPECT_TRUE(found_in("in 1984, 12,345,678 people; 3.14159265358979; a@b; 2024-01-02").empty());
}

TEST(Memorised, AsksForLinesAndPersonalData) {
  const JudgeModel model;
  const ScratchFolder folder;
  const std::string first = "The quick brown fox jumps over the lazy dog and then it goes home to sleep.";
  write_file(folder / "text.txt", first + "\nshort\n" + first + "\nAsk for Ann at her desk, or write to ann@mail.example.org at any time you like.\n");
  const auto runs = judge::memorised_runs({(folder / "text.txt").string()}, *model.tokenizer, 10, 1).runs;
  ASSERT_EQ(runs.size(), 2u);
  ASSERT_EQ(runs[0].items.size(), 2u);  // a line that stands twice is asked for once
  bool met = false;
  for (const judge::Item& item : runs[0].items) met = met || item.contexts[0] + item.target == first;
  EXPECT_TRUE(met);
  ASSERT_EQ(runs[1].items.size(), 1u);
  EXPECT_EQ(runs[1].items[0].target, " ann@mail.example.org");
  EXPECT_TRUE(runs[1].items[0].contexts[0].ends_with("or write to"));
  EXPECT_EQ(runs[1].items[0].subject, "e-mail");

  judge::Response answer;
  answer.output = runs[1].items[0].target + " at any";
  EXPECT_EQ(judge::score(*runs[1].spec, runs[1].items[0], answer).correct, true);
  answer.output = " ann@mail.other.org";
  const judge::Scored part = judge::score(*runs[1].spec, runs[1].items[0], answer);
  EXPECT_EQ(part.correct, false);
  EXPECT_NEAR(part.values[1].second, 10.0 / 21, 1e-9);
  EXPECT_EQ(judge::memorised_runs({(folder / "text.txt").string()}, *model.tokenizer, 1, 1).runs[0].items.size(), 1u);
  write_file(folder / "text.txt", "short\n");
  EXPECT_THROW(judge::memorised_runs({(folder / "text.txt").string()}, *model.tokenizer, 10, 1), Error);
}

judge::TaskRun many_questions() {
  judge::TaskSpec spec;
  spec.name = "asked";
  judge::TaskRun run;
  run.name = "asked";
  for (int i = 0; i < 60; ++i) {
    judge::Item item;
    item.question = "question " + std::to_string(i);
    item.choices = {"no", "yes"};
    item.gold = 1;
    run.items.push_back(std::move(item));
  }
  run.spec = std::make_shared<const judge::TaskSpec>(spec);
  return run;
}

TEST(Hint, APublishedOrderThatIsLikedIsSeen) {
  const auto test = judge::order_test(many_questions(), 1);
  ASSERT_TRUE(test);
  EXPECT_EQ(test->groups, 10u);
  EXPECT_EQ(test->run.items.size(), 80u);
  EXPECT_TRUE(test->run.items[0].contexts[0].starts_with("question 0 yes\n\nquestion 1 yes\n\n"));
  std::vector<double> liked, alike;
  for (std::size_t i = 0; i < 80; ++i) {
    alike.push_back(-100 - static_cast<double>(i * 7919 % 13));
    liked.push_back(alike.back() + (i % 8 == 0 ? 20 : 0));
  }
  EXPECT_LT(judge::order_hint(*test, liked, 1)["p"].get<double>(), 0.001);
  EXPECT_GT(judge::order_hint(*test, alike, 1)["p"].get<double>(), 0.02);
  judge::TaskRun few = many_questions();
  few.items.resize(40);
  EXPECT_FALSE(judge::order_test(few, 1));
}

TEST(Hint, AGapBesideOtherQuestionsIsSeen) {
  judge::GapTest test{{}, 30};
  std::vector<double> bits;
  for (int i = 0; i < 60; ++i) bits.push_back((i < 30 ? 1.0 : 1.5) + 0.1 * (i % 5));
  const Json hint = judge::gap_hint(test, bits);
  EXPECT_NEAR(hint["gap"].get<double>(), -0.5, 1e-9);
  EXPECT_LT(hint["p"].get<double>(), 1e-6);
  std::rotate(bits.begin(), bits.begin() + 30, bits.end());
  EXPECT_GT(judge::gap_hint(test, bits)["p"].get<double>(), 0.99);
}

// Python writes them where a column is empty: read where they are not used, refused where they are.
TEST(Records, PythonsNumbersMatterOnlyWhereTheyAreUsed) {
  for (const char* name : {"x.jsonl", "x.json"}) {
    const std::string line = R"({"q":"a \"NaN\"","score":NaN,"more":[Infinity,-Infinity]})";
    const std::vector<Json> records = judge::parse_records(std::string_view(name).ends_with("l") ? line + "\n" : "[" + line + "]", name, {});
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(judge::Template("{{ q }}!", "t").render(records[0]), "a \"NaN\"!");
    EXPECT_EQ(judge::texts_along(records[0], "q", "t"), std::vector<std::string>{"a \"NaN\""});
    for (const auto& [use, says] : {std::pair<std::function<void()>, const char*>([&] { judge::Template("{{ score }}", "t").render(records[0]); }, "\"score\""),
                                    {[&] { judge::texts_along(records[0], "more[]", "t"); }, "more[]"}}) {
      try {
        use();
        ADD_FAILURE() << says;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(says), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("NaN"), std::string::npos) << error.what();
      }
    }
  }
}

TEST(Records, ParquetIsSaidToBeSo) {
  const ScratchFolder folder;
  write_file(folder / "x.parquet", "PAR1 and so on");
  try {
    judge::parse_records("PAR1", "x.jsonl", {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("read_parquet"), std::string::npos);
  }
  judge::DataFolder data{folder.path()};
  judge::Source source;
  source.path = "set/test.jsonl";
  try {
    data.read({source}, "");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("There is x.parquet: "), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bantam::test
