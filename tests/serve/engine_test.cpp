// The engine without HTTP: the same bytes in any company, beginnings that are not read twice.
#include "serve/engine.h"

#include <gtest/gtest.h>

#include <latch>
#include <semaphore>

#include "base/random.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using serve::AnswerNews;
using serve::Engine;
using Ids = std::vector<std::int32_t>;

class Engines : public ::testing::Test {
 protected:
  Engines() {
    test::TinyModel tiny;
    tiny.context = 2048;
    test::write_tiny_gguf(folder_ / "tiny.gguf", tiny);
  }

  std::shared_ptr<const ModelFile> file() const {
    return std::make_shared<const ModelFile>(folder_ / "tiny.gguf");
  }
  static SessionOptions options(std::int64_t slots) {
    SessionOptions o;
    o.slots = slots;
    o.threads = 2;
    return o;
  }
  std::unique_ptr<Session> session(std::int64_t slots) const {
    return std::make_unique<Session>(file(), options(slots));
  }
  static Ids prompt(std::size_t length, std::uint64_t seed) {
    Ids ids;
    for (std::size_t i = 0; i < length; ++i)
      ids.push_back(static_cast<std::int32_t>(Random(seed, 0).below(i, 256)));
    return ids;
  }
  std::unique_ptr<Answer> answer(std::int64_t tokens) const {
    AnswerOptions o;
    o.sampling.temperature = 0;
    o.sampling.logit_bias = {{260, -100}};
    o.most_tokens = tokens;
    return std::make_unique<Answer>(tokenizer_, o);
  }
  // By generate(), alone.
  std::string expected(const Ids& ids, std::int64_t tokens) const {
    Session session(file(), options(1));
    const auto a = answer(tokens);
    generate(session, 0, ids, *a);
    return a->text();
  }

  struct Asked {
    std::shared_ptr<std::counting_semaphore<>> bell =
        std::make_shared<std::counting_semaphore<>>(0);
    Engine::Ticket ticket;
    std::string text;
    AnswerNews last;
    std::string wait() {
      while (!last.ended) {
        bell->acquire();
        last = ticket.news();
        text += last.text;
      }
      return text;
    }
  };
  // `gate`: the engine stands still with this answer's first news until it opens.
  Asked ask(Engine& engine, const Ids& ids, std::int64_t tokens, std::latch* gate = nullptr) const {
    auto bell = std::make_shared<std::counting_semaphore<>>(0);
    serve::Wanted wanted{ids, answer(tokens)};
    Engine::Ticket ticket = engine.start(wanted, [bell, gate] {
      if (gate != nullptr) gate->wait();
      bell->release();
    });
    return {bell, std::move(ticket), "", {}};
  }

  test::ScratchFolder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_ = test::tiny_tokenizer();
};

TEST_F(Engines, LongPromptsBesideAnswersChangeNoByte) {
  std::vector<Ids> prompts;
  std::vector<std::string> alone;
  for (std::size_t i = 0; i < 6; ++i) {
    prompts.push_back(prompt(i % 2 == 0 ? 3 + i : 300 + 100 * i, i));
    alone.push_back(expected(prompts[i], 40));
  }
  Engine engine(session(6));
  std::vector<Asked> asked;
  for (const Ids& ids : prompts) asked.push_back(ask(engine, ids, 40));
  for (std::size_t i = 0; i < asked.size(); ++i) EXPECT_EQ(asked[i].wait(), alone[i]) << i;
}

TEST_F(Engines, ABeginningThatASlotHoldsIsNotReadAgain) {
  Engine engine(session(3));
  const Ids first = prompt(100, 1), second = prompt(100, 2);
  for (const Ids& ids : {first, second}) ask(engine, ids, 5).wait();
  Ids longer = first;
  for (const std::int32_t id : prompt(30, 3)) longer.push_back(id);
  Asked again = ask(engine, longer, 20);
  EXPECT_EQ(again.wait(), expected(longer, 20));
  EXPECT_EQ(again.last.reused_tokens, 100);
  // The same as before: all but the last token, whose logits are needed.
  Asked same = ask(engine, second, 20);
  EXPECT_EQ(same.wait(), expected(second, 20));
  EXPECT_EQ(same.last.reused_tokens, 99);
}

TEST_F(Engines, ABeginningIsCopiedFromASlotThatIsTaken) {
  Engine engine(session(2));
  const Ids shared = prompt(200, 1);
  Asked first = ask(engine, shared, 1800);
  first.bell->acquire();  // its prompt has been read
  Ids longer = shared;
  longer.push_back(7);
  Asked second = ask(engine, longer, 20);
  EXPECT_EQ(second.wait(), expected(longer, 20));
  EXPECT_EQ(second.last.reused_tokens, 200);
}

TEST_F(Engines, ASlotIsFreeOnceItsAnswerIsOut) {
  Engine engine(session(1));
  for (int i = 0; i < 100; ++i) {
    Asked asked = ask(engine, prompt(3, 1), 2);
    ASSERT_TRUE(asked.ticket) << i;
    asked.wait();
    EXPECT_EQ(engine.busy(), 0);
  }
}

TEST_F(Engines, WhoHasLeftMakesRoomAtOnce) {
  Engine engine(session(1));
  for (int i = 0; i < 100; ++i) {
    const Asked asked = ask(engine, prompt(500, 1), 1000);
    EXPECT_TRUE(asked.ticket) << i;
    EXPECT_FALSE(ask(engine, prompt(3, 1), 2).ticket);
  }
  EXPECT_FALSE(ask(engine, prompt(3, 1), 2).wait().empty());
}

TEST_F(Engines, WhoFindsNoSlotWaitsInTurn) {
  std::latch gate(1);  // no answer ends before all have been asked for, however busy the machine is
  Engine engine(session(2), {3, true});
  std::vector<Asked> asked;
  for (std::uint64_t i = 0; i < 5; ++i) asked.push_back(ask(engine, prompt(400, i), 30, &gate));
  EXPECT_EQ(engine.busy(), 2);
  EXPECT_EQ(engine.waiting(), 3);
  EXPECT_FALSE(ask(engine, prompt(3, 9), 2).ticket);
  gate.count_down();
  for (const Asked& a : asked) ASSERT_TRUE(a.ticket);
  for (std::uint64_t i = 0; i < 5; ++i)
    EXPECT_EQ(asked[i].wait(), expected(prompt(400, i), 30)) << i;
  EXPECT_EQ(engine.busy() + engine.waiting(), 0);
}

TEST_F(Engines, WhoWaitsCanLeave) {
  Engine engine(session(1), {1, true});
  Asked first = ask(engine, prompt(300, 1), 20);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(ask(engine, prompt(300, 2), 20).ticket) << i;
  Asked last = ask(engine, prompt(300, 3), 20);
  EXPECT_EQ(first.wait(), expected(prompt(300, 1), 20));
  EXPECT_EQ(last.wait(), expected(prompt(300, 3), 20));
}

TEST_F(Engines, ThePromptsOwnTokensAreScored) {
  const Ids ids = prompt(300, 4);
  std::vector<double> alone;
  {
    Session one(file(), options(1));
    const Session::Part part{0, ids, Session::Want::all};
    one.evaluate({&part, 1}, [&](std::size_t, std::size_t i, std::span<const float> logits) {
      if (i + 1 < ids.size())
        alone.push_back(log_probabilities(logits, ids[i + 1], 0).chosen.log_probability);
    });
  }
  Engine engine(session(3));
  Asked beside = ask(engine, prompt(20, 5), 100);
  for (int round = 0; round < 2; ++round) {  // also when a slot holds it already
    auto bell = std::make_shared<std::counting_semaphore<>>(0);
    serve::Wanted wanted{ids, answer(round), 1};
    Asked scored{bell, engine.start(wanted, [bell] { bell->release(); }), "", {}};
    scored.wait();
    const auto p = scored.ticket.prompt_probabilities();
    ASSERT_EQ(p.size(), alone.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      EXPECT_EQ(p[i].chosen.log_probability, alone[i]) << i;
      ASSERT_EQ(p[i].top.size(), 1u);
      EXPECT_GE(p[i].top[0].log_probability, p[i].chosen.log_probability);
    }
  }
  beside.wait();
}

TEST_F(Engines, WhoWaitsForTheWholeIsWokenOnce) {
  Engine engine(session(2));
  auto bell = std::make_shared<std::counting_semaphore<>>(0);
  std::atomic<int> rung = 0;
  serve::Wanted wanted{prompt(5, 1), answer(40)};
  wanted.whole = true;
  Asked asked{bell,
              engine.start(wanted,
                           [bell, &rung] {
                             ++rung;
                             bell->release();
                           }),
              "",
              {}};
  EXPECT_EQ(asked.wait(), expected(prompt(5, 1), 40));
  EXPECT_EQ(rung, 1);
  EXPECT_EQ(asked.last.answer_tokens, 40);
}

TEST_F(Engines, NoTokensAskedForIsAnAnswerWithout) {
  Engine engine(session(1));
  Asked asked = ask(engine, prompt(3, 1), 0);
  EXPECT_EQ(asked.wait(), "");
  EXPECT_EQ(asked.last.reason, StopReason::length);
}

TEST_F(Engines, ItsEndEndsTheAnswers) {
  auto engine = std::make_unique<Engine>(session(1));
  auto bell = std::make_shared<std::counting_semaphore<>>(0);
  {
    serve::Wanted wanted{prompt(3, 1), answer(1800)};
    const Engine::Ticket ticket = engine->start(wanted, [bell] { bell->release(); });
    bell->acquire();
  }
  engine.reset();
}

TEST_F(Engines, ADraftChangesNoAnswer) {
  auto session = this->session(3);
  const Runtime runtime = session->runtime();
  auto draft = std::make_unique<DraftModel>(file(), runtime, options(2), 4);
  const DraftModel& used = *draft;
  Engine engine(std::move(session), {.queue = 8}, std::move(draft));
  std::vector<Asked> all;
  for (std::uint64_t i = 0; i < 6; ++i) all.push_back(ask(engine, prompt(5 + 3 * i, i), 40));
  for (std::uint64_t i = 0; i < 6; ++i)
    EXPECT_EQ(all[i].wait(), expected(prompt(5 + 3 * i, i), 40)) << i;
  EXPECT_GT(used.drafted(), 0u);
}

}  // namespace
}  // namespace bantam
