// The default recipe's corpus: worked answers are right, seeds are repeatable, evaluation is
// unseen.
#include "default/corpus.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "checker.h"
#include "default/nearest.h"
#include "default/numbers.h"
#include "default/wordings.h"

namespace bantam::recipe {
namespace {

constexpr std::uint64_t kSeed = 1;

TEST(Corpus, EveryWorkedAnswerIsRight) {
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Dialogue d = dialogue(Side::training, kSeed, i);
    ASSERT_EQ(test::check(d), "") << d.question << " | " << d.worked;
  }
  for (const Dialogue& d : evaluation_questions(kSeed, 1'000)) {
    ASSERT_EQ(test::check(d), "") << d.question << " | " << d.worked;
  }
}

TEST(Corpus, TheCheckerRejectsWrongAnswers) {
  Dialogue d{Kind::addition, Language::english, "What is 47 + 85?", "47+85 7+5=12 4+8+1=13 => 132",
             "132"};
  EXPECT_EQ(test::check(d), "");
  for (const char* wrong :
       {"47+85 7+5=12 4+8+1=13 => 133", "47+85 7+5=13 4+8+1=13 => 132",
        "47+85 7+5=12 4+8+0=12 => 132", "47+86 7+6=13 4+8+1=13 => 133", "47+85 => 132"}) {
    d.worked = wrong;
    d.answer = final_answer(d.worked);
    EXPECT_NE(test::check(d), "") << wrong;
  }
}

TEST(Corpus, OneSeedGivesOneCorpus) {
  for (std::uint64_t i : {0u, 1u, 999u, 123'456u}) {
    EXPECT_EQ(training_line(dialogue(Side::training, kSeed, i)),
              training_line(dialogue(Side::training, kSeed, i)));
  }
  std::uint64_t different = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    different += dialogue(Side::training, 1, i).question != dialogue(Side::training, 2, i).question;
  }
  EXPECT_GT(different, 95u);
}

TEST(Corpus, AShortEvaluationIsThePrefixOfALongOne) {
  const auto few = evaluation_questions(kSeed, 100), many = evaluation_questions(kSeed, 300);
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(evaluation_line(few[i]), evaluation_line(many[i]));
  }
}

TEST(Corpus, EveryKindAndLanguageIsAsked) {
  std::set<std::pair<Kind, Language>> trained, evaluated;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const Dialogue d = dialogue(Side::training, kSeed, i);
    trained.insert({d.kind, d.language});
  }
  for (const Dialogue& d : evaluation_questions(kSeed, 1'000)) {
    evaluated.insert({d.kind, d.language});
  }
  EXPECT_EQ(trained.size(), 2u * kKinds);
  EXPECT_EQ(evaluated.size(), 2u * kKinds);
}

TEST(Corpus, ThereAreFortyWordingsALanguageAndTenMillionQuestions) {
  for (Language language : kLanguages) {
    EXPECT_GE(template_count(language), 40);
    std::set<std::string_view> texts;
    for (const Wording& w : wordings(language)) texts.insert(w.text);
    EXPECT_EQ(static_cast<int>(texts.size()), template_count(language));
  }
  EXPECT_GE(possible_questions(), 10'000'000u);
}

// The hold-out is checked on what the questions say: the numbers read back from the worked answers.
TEST(Corpus, EvaluationNumbersAreInNoTrainingDialogue) {
  std::set<std::string> trained;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    trained.insert(test::asked(dialogue(Side::training, kSeed, i)));
  }
  for (const Dialogue& d : evaluation_questions(kSeed, 1'000)) {
    EXPECT_FALSE(trained.contains(test::asked(d))) << d.question;
  }
}

TEST(Corpus, EvaluationQuestionsDiffer) {
  std::set<std::string> questions;
  for (const Dialogue& d : evaluation_questions(kSeed, 1'000)) questions.insert(d.question);
  EXPECT_EQ(questions.size(), 1'000u);
}

TEST(Corpus, SidesIgnoreTheOrderWhereItDoesNotMatter) {
  for (int a = 1; a < 60; ++a) {
    for (int b = 1; b < 60; ++b) {
      EXPECT_EQ(side_of(Operation::add, {a, b}), side_of(Operation::add, {b, a}));
      EXPECT_EQ(side_of(Operation::larger, {a, b}), side_of(Operation::smaller, {b, a}));
    }
  }
}

TEST(Corpus, FinalAnswerStandsAfterTheLastArrow) {
  EXPECT_EQ(final_answer("47+85 => 132"), "132");
  EXPECT_EQ(final_answer("=> 1 => March 3 \n"), "March 3");
  EXPECT_EQ(final_answer("=>"), "");
  EXPECT_EQ(final_answer("132"), "");
}

TEST(Corpus, LinesAreJson) {
  const Dialogue d = evaluation_questions(kSeed, 2)[1];
  const Json train = parse_json(training_line(d), "line");
  EXPECT_EQ(train["messages"][0]["role"], "user");
  EXPECT_EQ(train["messages"][0]["content"], d.question);
  EXPECT_EQ(train["messages"][1]["role"], "assistant");
  EXPECT_EQ(train["messages"][1]["content"], d.worked);
  const Json eval = parse_json(evaluation_line(d), "line");
  EXPECT_EQ(eval["kind"], "addition");
  EXPECT_EQ(eval["language"], "zh");
  EXPECT_EQ(eval["answer"], d.answer);
}

TEST(Nearest, FindsTheMostSimilarQuestion) {
  std::vector<Dialogue> training(3), questions(2);
  training[0].question = "What is 12 + 34?";
  training[1].question = "47加85等於多少？";
  training[2].question = "What is 12 - 34?";
  training[1].answer = "132";
  questions[0].question = "What is 12 - 35?";
  questions[1].question = "46加85等於多少？";
  questions[1].answer = "132";
  EXPECT_EQ(nearest_questions(training, questions), (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(nearest_match(training, questions), 1.0);  // the other two both have no answer
}

TEST(Nearest, MemoryAloneScoresUnderAFifth) {
  std::vector<Dialogue> training;
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    training.push_back(dialogue(Side::training, kSeed, i));
  }
  EXPECT_LT(nearest_match(training, evaluation_questions(kSeed, 1'000)), 0.20);
}

}  // namespace
}  // namespace bantam::recipe
