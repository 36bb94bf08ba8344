// A draft model changes no token: with it or without, at any temperature, in any batch.
#include "infer/draft.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "infer/decoder.h"
#include "infer/runs.h"
#include "support/tiny_families.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using DraftIds = std::vector<std::int32_t>;

class Drafts : public ::testing::Test {
 protected:
  Drafts() {
    test::TinyModel tiny;
    tiny.context = 256;
    model_ = written("model.gguf", tiny);
    tiny.context = 64;
    short_ = written("short.gguf", tiny);
    tiny.context = 256;
    tiny.layers = 1;  // the model's own first layer
    other_ = written("other.gguf", tiny);
  }

  std::shared_ptr<const ModelFile> written(const std::string& name, const test::TinyModel& tiny) {
    test::write_tiny_gguf(folder_ / name, tiny);
    return std::make_shared<const ModelFile>(folder_ / name);
  }
  static AnswerOptions options(double temperature, std::uint64_t stream = 0) {
    AnswerOptions o;
    o.sampling.temperature = temperature;
    o.sampling.seed = 3;
    o.sampling.repeat_penalty = 1.3;
    o.sampling.dry_multiplier = 0.5;
    o.sampling.logit_bias = {{260, -100}};
    o.stream = stream;
    o.most_tokens = 100;
    return o;
  }
  struct Run {
    DraftIds ids;
    std::size_t drafted = 0, accepted = 0;
  };
  Run run(const std::shared_ptr<const ModelFile>& file, const AnswerOptions& o,
          const DraftIds& prompt, const std::shared_ptr<const ModelFile>& draft,
          std::size_t length, unsigned threads = 2) const {
    SessionOptions session_options;
    session_options.threads = threads;
    Session session(file, session_options);
    std::unique_ptr<DraftModel> model;
    if (draft)
      model = std::make_unique<DraftModel>(draft, session.runtime(), SessionOptions(), length);
    Answer answer(tokenizer_, o);
    Speculation guesses(answer, model.get());
    generate(session, 0, prompt, answer, {}, {}, model ? &guesses : nullptr);
    Run out;
    out.ids.assign(answer.ids().begin(), answer.ids().end());
    if (model) {
      out.drafted = model->drafted();
      out.accepted = model->accepted();
    }
    return out;
  }

  test::ScratchFolder folder_;
  std::shared_ptr<const ModelFile> model_, short_, other_;
  std::shared_ptr<const Tokenizer> tokenizer_ = test::tiny_tokenizer();
};

TEST_F(Drafts, ChangeNoToken) {
  const DraftIds prompt = test::some_tokens(9, 4);
  for (const double temperature : {0.0, 0.7, 2.0}) {
    const AnswerOptions o = options(temperature);
    const DraftIds plain = run(model_, o, prompt, nullptr, 0).ids;
    ASSERT_EQ(plain.size(), 100u);
    for (const auto& draft : {model_, short_, other_})
      for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{5}})
        for (const unsigned threads : {1u, 3u}) {
          const Run with = run(model_, o, prompt, draft, length, threads);
          EXPECT_EQ(with.ids, plain) << temperature << ", " << length << ", " << threads;
          EXPECT_LE(with.accepted, with.drafted);
        }
  }
}

// The same model draws the same with the random number of the place: no guess of it is wrong.
TEST_F(Drafts, DrawAsTheAnswerDoes) {
  const DraftIds prompt = test::some_tokens(9, 4);
  for (const double temperature : {0.0, 0.7, 2.0}) {
    for (const bool mirostat : {false, true}) {
      AnswerOptions o = options(temperature);
      o.sampling.mirostat = mirostat;
      o.sampling.xtc_probability = mirostat ? 0 : 0.3;
      const Run same = run(model_, o, prompt, model_, 5);
      EXPECT_GT(same.drafted, 50u);
      if (!mirostat) {  // whose state a guess cannot know beyond the next token
        EXPECT_EQ(same.accepted, same.drafted) << temperature;
      }
      EXPECT_EQ(same.ids, run(model_, o, prompt, nullptr, 0).ids);
    }
    const Run other = run(model_, options(temperature), prompt, other_, 5);
    EXPECT_GT(other.drafted, 50u);
    EXPECT_LT(other.accepted, other.drafted);
  }
}

TEST_F(Drafts, EndWithTheirOwnRoom) {
  const Run with = run(model_, options(0), test::some_tokens(30, 4), short_, 5);
  EXPECT_EQ(with.ids.size(), 100u);
  EXPECT_LT(with.drafted, 64u);
  EXPECT_GT(with.drafted, 10u);
}

TEST_F(Drafts, GuessBehindAWindow) {
  for (const test::TinyFamily& family : test::kTinyFamilies) {
    test::TinyModel tiny;
    tiny.context = 256;
    tiny.change = family.change;
    const auto file = written("family.gguf", tiny);
    const AnswerOptions o = options(0.7);
    const DraftIds prompt = test::some_tokens(20, 4);
    const DraftIds plain = run(file, o, prompt, nullptr, 0).ids;
    EXPECT_EQ(run(file, o, prompt, other_, 4).ids, plain) << family.name;
    EXPECT_EQ(run(model_, o, prompt, file, 4).ids, run(model_, o, prompt, nullptr, 0).ids)
        << family.name;
  }
}

TEST_F(Drafts, ServeSeveralAnswersOfABatch) {
  SessionOptions three;
  three.slots = 3;
  Session session(model_, three);
  three.slots = 2;  // one of them finds no slot and goes without
  DraftModel draft(model_, session.runtime(), three, 4);
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<std::unique_ptr<Speculation>> guesses;
  std::vector<std::unique_ptr<Going>> goings;
  std::vector<Going*> all;
  for (std::uint64_t i = 0; i < 6; ++i) {
    answers.push_back(std::make_unique<Answer>(tokenizer_, options(0.8, i)));
    guesses.push_back(std::make_unique<Speculation>(*answers.back(), &draft));
    goings.push_back(std::make_unique<Going>(test::some_tokens(5 + i, i), *answers.back()));
    goings.back()->proposer = guesses.back().get();
    all.push_back(goings.back().get());
  }
  EXPECT_TRUE(Decoder(session).run(all, [&](Going& over) {
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i] == &over) guesses[i].reset();  // its slot of the draft is free again
    over.proposer = nullptr;
  }));
  EXPECT_GT(draft.drafted(), 100u);
  for (std::uint64_t i = 0; i < 6; ++i) {
    const DraftIds alone =
        run(model_, options(0.8, i), test::some_tokens(5 + i, i), nullptr, 0).ids;
    EXPECT_TRUE(std::ranges::equal(answers[i]->ids(), alone)) << i;
  }
}

TEST(SameTokens, NameTheFirstDifference) {
  const auto tokenizer = [](const std::string& fifth, bool special, bool more) {
    TrainedTokenizer t;
    for (int byte = 0; byte < 256; ++byte)
      t.tokens.push_back(std::string(1, static_cast<char>(byte)));
    t.merges = {{fifth[0], fifth[1]}};
    t.tokens.push_back(fifth);
    t.tokens.push_back("<s>");
    if (special) t.special = {257};
    if (more) {
      t.tokens.push_back("<more>");
      t.special.push_back(258);
    }
    t.pre_tokenizer = "gpt-2";
    return make_tokenizer(std::move(t));
  };
  const auto base = tokenizer("th", true, false);
  EXPECT_NO_THROW(require_same_tokens(*base, *tokenizer("th", true, false), "draft.gguf"));
  const auto said = [&](const Tokenizer& draft) -> std::string {
    try {
      require_same_tokens(*base, draft, "draft.gguf");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(said(*tokenizer("he", true, false)).find("token 256 is \"he\" in it, and \"th\""),
            std::string::npos)
      << said(*tokenizer("he", true, false));
  EXPECT_NE(said(*tokenizer("th", true, true)).find("token 258 is \"<more>\""), std::string::npos)
      << said(*tokenizer("th", true, true));
}

TEST(DraftLength, GuessesAsManyAsPay) {
  DraftLength cheap;
  EXPECT_EQ(cheap.next(), 0u);  // nothing to compare with yet
  cheap.passed(0, 1);
  EXPECT_EQ(cheap.rate(0), 1);
  EXPECT_EQ(cheap.next(), 2u);  // what does a guess cost?
  cheap.guessed(0.01);
  cheap.passed(2, 1.1);
  for (int i = 0; i < 30; ++i) cheap.learn(2, 2);
  EXPECT_GT(cheap.acceptance(), 0.95);
  EXPECT_EQ(cheap.next(), DraftLength::kMost);
  // Of guesses that come true half the time, few pay.
  for (int i = 0; i < 60; ++i) cheap.learn(2, i % 2 == 0 ? 0 : 1);
  const std::size_t some = cheap.next();
  EXPECT_GE(some, 1u);
  EXPECT_LT(some, DraftLength::kMost);
  // By hand: a = 1/2, two guesses of 0.01 s and a pass of 1.1 s.
  const double a = cheap.acceptance();
  EXPECT_DOUBLE_EQ(cheap.rate(2), (1 + a + a * a) / (2 * 0.01 + 1.1));
}

TEST(DraftLength, IsOffWhereItDoesNotPay) {
  DraftLength dear;
  dear.passed(0, 1);
  EXPECT_EQ(dear.next(), 2u);
  dear.guessed(0.9);
  dear.passed(2, 1);
  dear.learn(2, 0);
  std::size_t guessed = 0, passes = 2000;
  for (std::size_t i = 0; i < passes; ++i) {
    const std::size_t n = dear.next();
    dear.passed(n, 1);
    if (n > 0) {
      dear.learn(n, 0);
      ++guessed;
    }
  }
  EXPECT_GT(guessed, 0u);  // tried again now and then
  EXPECT_LT(guessed, passes / 20);
  // When guesses become cheap and right it comes back.
  for (std::size_t i = 0; i < 600; ++i) {
    const std::size_t n = dear.next();
    dear.passed(n, 1);
    for (std::size_t g = 0; g < n; ++g) dear.guessed(0.01);
    if (n > 0) dear.learn(n, n);
  }
  EXPECT_GT(dear.acceptance(), 0.9);
  EXPECT_EQ(dear.next(), DraftLength::kMost);
}

TEST(DraftLength, NeverGuessesWhatCannotPay) {
  DraftLength hopeless;
  hopeless.guessed(1.2);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(hopeless.next(), 0u);
    hopeless.passed(0, 1);
  }
}

}  // namespace
}  // namespace bantam
