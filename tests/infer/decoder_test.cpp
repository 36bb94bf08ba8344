// The step that all share: constraints veto and force, guesses change no byte.
#include "infer/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"
#include "infer/pass_cost.h"
#include "infer/prompt_lookup.h"
#include "infer/runs.h"
#include "infer/several.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using Ids = std::vector<std::int32_t>;

class Decoders : public ::testing::Test {
 protected:
  Decoders() {
    test::TinyModel tiny;
    tiny.context = 256;
    test::write_tiny_gguf(folder_ / "m.gguf", tiny);
    file_ = std::make_shared<const ModelFile>(folder_ / "m.gguf");
  }

  AnswerOptions options(double temperature, std::uint64_t seed = 1) const {
    AnswerOptions o;
    o.sampling.temperature = temperature;
    o.sampling.seed = seed;
    o.sampling.repeat_penalty = 1.2;
    o.sampling.logit_bias = {{260, -100}};
    o.most_tokens = 100;
    return o;
  }
  Ids ids_of(const AnswerOptions& o, const Ids& prompt, Proposer* proposer = nullptr) {
    Session session(file_);
    Answer answer(tokenizer_, o);
    generate(session, 0, prompt, answer, {}, {}, proposer);
    EXPECT_EQ(session.tokens(0).size(), prompt.size() + answer.ids().size() - 1);
    return {answer.ids().begin(), answer.ids().end()};
  }

  test::ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
  std::shared_ptr<const Tokenizer> tokenizer_ = test::tiny_tokenizer();
};

// Allows even tokens, at each third place token 7 alone.
class EvenOrSeven : public Constraint {
 public:
  void restrict(std::span<const std::int32_t> answer, std::span<bool> allowed) override {
    EXPECT_EQ(answer.size(), asked_++);
    for (std::size_t i = 0; i < allowed.size(); ++i)
      allowed[i] = answer.size() % 3 == 2 ? i == 7 : i % 2 == 0;
  }
  std::size_t asked_ = 0;
};

TEST_F(Decoders, AConstraintVetoesAndForces) {
  for (const double temperature : {0.0, 1.0}) {
    AnswerOptions o = options(temperature);
    o.constraint = std::make_shared<EvenOrSeven>();
    const Ids ids = ids_of(o, test::some_tokens(5, 2));
    ASSERT_EQ(ids.size(), 100u);
    for (std::size_t i = 0; i < ids.size(); ++i)
      EXPECT_TRUE(i % 3 == 2 ? ids[i] == 7 : ids[i] % 2 == 0) << i << ": " << ids[i];
  }
}

TEST_F(Decoders, AGreedyChoiceUnderAConstraintIsTheLikeliestThatIsAllowed) {
  const std::vector<float> logits = {5, 9, 7, 8};
  const bool allowed[] = {true, false, true, false};
  SamplingOptions o;
  o.temperature = 0;
  EXPECT_EQ(Sampler(o).choose(logits, allowed), 2);
  const bool none[] = {false, false, false, false};
  EXPECT_THROW(Sampler(o).choose(logits, none), Error);
}

TEST_F(Decoders, ManyPromptsPassThroughFewSlots) {
  SessionOptions few;
  few.slots = 3;
  Session session(file_, few);
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<std::unique_ptr<Going>> goings;
  std::vector<Going*> all;
  for (std::uint64_t i = 0; i < 10; ++i) {
    AnswerOptions o = options(0.8, i);
    o.most_tokens = static_cast<std::int64_t>(7 * i % 20);  // the first asks for nothing
    answers.push_back(std::make_unique<Answer>(tokenizer_, o));
    goings.push_back(std::make_unique<Going>(test::some_tokens(5 + i, i), *answers.back()));
    all.push_back(goings.back().get());
  }
  std::size_t ended = 0;
  EXPECT_TRUE(
      Decoder(session).run(all, [&](Going& going) { ended += going.over() ? std::size_t{1} : 0; }));
  EXPECT_EQ(ended, 10u);
  for (std::uint64_t i = 1; i < 10; ++i) {
    AnswerOptions o = options(0.8, i);
    o.most_tokens = static_cast<std::int64_t>(7 * i % 20);
    EXPECT_TRUE(std::ranges::equal(answers[i]->ids(), ids_of(o, test::some_tokens(5 + i, i)))) << i;
  }
  Answer more(tokenizer_, options(0));
  Going going(test::some_tokens(5, 1), more);
  Going* const one[] = {&going};
  int asked = 0;
  EXPECT_FALSE(Decoder(session).run(one, {}, [&] { return ++asked < 5; }));
}

TEST(FewCandidates, AreAsGoodAsAll) {
  const Random random(5, 0);
  std::uint64_t at = 0;
  std::vector<float> logits(6000);
  const std::unique_ptr<bool[]> all(new bool[logits.size()]);
  std::fill_n(all.get(), logits.size(), true);
  for (int round = 0; round < 300; ++round) {
    // Few different numbers, so that there are ties, and some that are none.
    for (float& logit : logits)
      logit = static_cast<float>(random.below(at++, round % 3 == 0 ? 40 : 100000)) / 100.0f;
    logits[random.below(at++, logits.size())] = std::nanf("");
    logits[random.below(at++, logits.size())] = -std::numeric_limits<float>::infinity();
    SamplingOptions o;
    o.seed = static_cast<std::uint64_t>(round);
    o.temperature = round % 5 == 0 ? 0 : 1.5;
    o.top_k = round % 7 == 0 ? 1 : 40;
    o.min_p = 0;
    if (round % 2 == 0) o.repeat_penalty = 1.3;
    if (round % 4 == 0) o.dry_multiplier = 2;
    for (int b = 0; b < round % 10; ++b)
      o.logit_bias.push_back(
          {static_cast<std::int32_t>(random.below(at++, logits.size())),
           b % 3 == 0 ? -std::numeric_limits<double>::infinity() : static_cast<double>(b) - 3});
    Sampler few(o), whole(o);
    for (Sampler* s : {&few, &whole})
      s->see(test::some_tokens(30, static_cast<std::uint64_t>(round)));
    for (int i = 0; i < 5; ++i)
      ASSERT_EQ(few.choose(logits), whole.choose(logits, {all.get(), logits.size()})) << round;
  }
}

// Knows the answer but for each fifth token.
class Oracle : public Proposer {
 public:
  explicit Oracle(Ids whole, bool right) : whole_(std::move(whole)), right_(right) {}
  Ids propose(std::span<const std::int32_t> sequence, const GuessRoom& room) override {
    Ids guess;
    for (std::size_t i = sequence.size(); i < whole_.size() && guess.size() < room.most; ++i)
      guess.push_back(right_ && i % 5 != 0 ? whole_[i] : (whole_[i] + 1) % 256);
    return guess;
  }
  void learn(std::size_t proposed, std::size_t accepted) override {
    EXPECT_LE(accepted, proposed);
    proposed_ += proposed;
    accepted_ += accepted;
  }
  std::size_t proposed_ = 0, accepted_ = 0;

 private:
  Ids whole_;
  bool right_;
};

TEST_F(Decoders, GuessesRightOrWrongChangeNoToken) {
  for (const double temperature : {0.0, 0.7, 2.0}) {
    const Ids prompt = test::some_tokens(9, 4);
    const Ids expected = ids_of(options(temperature), prompt);
    Ids whole = prompt;
    whole.insert(whole.end(), expected.begin(), expected.end());
    Oracle right(whole, true), wrong(whole, false);
    EXPECT_EQ(ids_of(options(temperature), prompt, &right), expected);
    EXPECT_GT(right.accepted_, expected.size() / 2);
    EXPECT_EQ(ids_of(options(temperature), prompt, &wrong), expected);
    EXPECT_EQ(wrong.accepted_, 0u);
    EXPECT_GT(wrong.proposed_, 0u);
    PromptLookup lookup;
    EXPECT_EQ(ids_of(options(temperature), prompt, &lookup), expected);
  }
}

TEST_F(Decoders, GuessesEndWithTheContextAndWithTheAnswer) {
  for (const std::int64_t most : {std::int64_t{3}, std::int64_t{-1}}) {
    AnswerOptions o = options(0.9);
    o.most_tokens = most;
    const Ids prompt = test::some_tokens(200, 4);
    const Ids expected = ids_of(o, prompt);
    Ids whole = prompt;
    whole.insert(whole.end(), expected.begin(), expected.end());
    for (int i = 0; i < 50; ++i) whole.push_back(1);
    Oracle oracle(whole, true);
    EXPECT_EQ(ids_of(o, prompt, &oracle), expected);
  }
}

TEST_F(Decoders, ASessionOfFewPositionsIsNotOverrun) {
  SessionOptions few;
  few.positions = 20;
  Session session(file_, few);
  AnswerOptions o = options(0);
  o.most_tokens = 10;
  const Ids prompt = test::some_tokens(10, 4);
  const Ids expected = ids_of(o, prompt);
  Ids whole = prompt;
  whole.insert(whole.end(), expected.begin(), expected.end());
  whole.insert(whole.end(), 20, 1);
  Oracle oracle(whole, true);
  Answer answer(tokenizer_, o);
  generate(session, 0, prompt, answer, {}, {}, &oracle);
  EXPECT_TRUE(std::ranges::equal(answer.ids(), expected));
}

// Several answers to one prompt, read once: each is what it is alone, for any number of slots.
TEST_F(Decoders, SeveralAnswersAreWhatEachIsAlone) {
  Ids prompt;
  for (std::int32_t i = 0; i < 40; ++i) prompt.push_back(i % 50 + 3);
  const auto one = [&](std::uint64_t k) {
    AnswerOptions o = options(0.9, 5);
    o.stream = k;
    o.most_tokens = static_cast<std::int64_t>(5 + 4 * k);
    return o;
  };
  std::vector<Ids> expected;
  for (std::uint64_t k = 0; k < 6; ++k) expected.push_back(ids_of(one(k), prompt));
  EXPECT_NE(expected[0], Ids(expected[1].begin(), expected[1].begin() + static_cast<std::ptrdiff_t>(expected[0].size())));
  for (const std::int64_t slots : {1, 2, 4, 8}) {
    SessionOptions how;
    how.slots = slots;
    Session session(file_, how);
    std::vector<std::unique_ptr<Answer>> answers;
    std::vector<Answer*> asked;
    for (std::uint64_t k = 0; k < 6; ++k) {
      answers.push_back(std::make_unique<Answer>(tokenizer_, one(k)));
      asked.push_back(answers.back().get());
    }
    EXPECT_TRUE(answer_several(session, prompt, asked));
    for (std::size_t k = 0; k < 6; ++k) EXPECT_TRUE(std::ranges::equal(answers[k]->ids(), expected[k])) << slots << " " << k;
    AnswerOptions none = one(0);
    none.most_tokens = 0;
    Answer stopped(tokenizer_, none), goes_on(tokenizer_, one(1));
    Answer* both[] = {&stopped, &goes_on};
    EXPECT_TRUE(answer_several(session, prompt, both));
    EXPECT_TRUE(std::ranges::equal(goes_on.ids(), expected[1]));
    Answer left(tokenizer_, one(2));
    Answer* only[] = {&left};
    EXPECT_FALSE(answer_several(session, prompt, only, [] { return false; }));
    EXPECT_EQ(left.reason(), StopReason::interrupted);
  }
}

// A pass in which guesses cost next to nothing.
GuessRoom cheap(std::size_t most) { return {.most = most, .sequences = 1, .base = 1000}; }

TEST(PromptLookup, GoesOnAsTheTextDidBefore) {
  PromptLookup lookup;
  Ids text = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3};
  EXPECT_EQ(lookup.propose(text, cheap(3)), (Ids{4, 5, 6}));
  for (const std::int32_t id : {4, 5, 6, 7}) text.push_back(id);
  EXPECT_EQ(lookup.propose(text, cheap(5)), (Ids{8, 9, 1, 2, 3}));
  text.push_back(99);
  EXPECT_TRUE(lookup.propose(text, cheap(16)).empty());
}

TEST(PromptLookup, GoesRoundInASmallCircle) {
  PromptLookup lookup;
  const Ids text = {9, 1, 2, 1, 2, 1, 2};
  EXPECT_EQ(lookup.propose(text, cheap(5)), (Ids{1, 2, 1, 2, 1}));
}

TEST(PromptLookup, LearnsFromTheTextHowLikelyAGuessIs) {
  // Whatever follows 1 2 3 is new; what is repeated for longer goes on.
  PromptLookup lookup;
  Ids text;
  for (int round = 0; round < 40; ++round) {
    for (const std::int32_t id : {1, 2, 3}) text.push_back(id);
    text.push_back(1000 + round);
  }
  lookup.propose(text, cheap(1));
  EXPECT_LT(lookup.chance(3), 0.1);
  EXPECT_GT(lookup.chance(16), 0.8);
  Ids song;
  for (int round = 0; round < 10; ++round)
    for (std::int32_t id = 0; id < 30; ++id) song.push_back(id);
  PromptLookup other;
  other.propose(song, cheap(1));
  EXPECT_GT(other.chance(16), 0.99);
}

TEST(PromptLookup, IsOffWhereItDoesNotPay) {
  PromptLookup lookup;
  Ids text;
  std::size_t guesses = 0;
  for (int round = 0; round < 400; ++round) {
    for (const std::int32_t id : {1, 2, 3}) text.push_back(id);
    guesses += lookup.propose(text, {.most = 16}).size();
    text.push_back(1000 + round);
  }
  EXPECT_LT(guesses, 20u);
}

TEST(PromptLookup, AsksMoreOfAGuessTheMoreSequencesShareAPass) {
  // A row costs an eleventh of the base: alone a guess pays from a chance of 1/12 on, of sixteen
  // from 16/27 on. One of two places with three tokens alike comes true in an ordinary text.
  EXPECT_NEAR((GuessRoom{.most = 16}.least_chance(0, 0)), 1.0 / 12, 1e-12);
  EXPECT_NEAR((GuessRoom{.most = 16, .sequences = 16}.least_chance(0, 0)), 16.0 / 27, 1e-12);
  EXPECT_NEAR((GuessRoom{.most = 16}.least_chance(2, 1.5)), 2.5 / 14, 1e-12);
  const Ids text = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3};
  std::vector<std::size_t> sizes;
  for (const std::size_t sequences : {1u, 4u, 16u})
    sizes.push_back(PromptLookup().propose(text, {.most = 16, .sequences = sequences}).size());
  EXPECT_GE(sizes[0], 2u);
  EXPECT_LE(sizes[1], sizes[0]);
  EXPECT_EQ(sizes[2], 0u);
}

TEST(PassCost, FindsTheLineThroughWhatWasMeasured) {
  PassCost cost;
  EXPECT_EQ(cost.base_in_rows(), PassCost::kExpected);
  for (int i = 0; i < 50; ++i) cost.add(1, 0.006);  // as many rows each time say nothing of a row
  EXPECT_NEAR(cost.base_in_rows(), PassCost::kExpected, 1e-9);
  for (int i = 0; i < 400; ++i) {
    const auto rows = static_cast<std::size_t>(1 + i % 8);
    cost.add(rows, 0.004 + 0.001 * static_cast<double>(rows));
  }
  EXPECT_NEAR(cost.base_in_rows(), 4, 0.3);
}

// Where times vary for other reasons: a row is never taken to be free.
TEST(PassCost, ARowThatSeemsToCostNothing) {
  PassCost cost;
  for (int i = 0; i < 400; ++i) cost.add(static_cast<std::size_t>(1 + i % 8), 0.004);
  EXPECT_EQ(cost.base_in_rows(), PassCost::kMost);  // the line is flat but for what was expected
  for (int i = 0; i < 400; ++i) {
    const auto rows = static_cast<std::size_t>(1 + i % 8);
    cost.add(rows, 0.004 - 0.0004 * static_cast<double>(rows));
  }
  EXPECT_EQ(cost.base_in_rows(), PassCost::kMost);
}

}  // namespace
}  // namespace bantam
