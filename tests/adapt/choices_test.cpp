// Several adapters on one base: each sequence has the bytes that its adapter gives alone, whoever else
// is in the pass, and nothing that was read under one is taken for another's.
#include <gtest/gtest.h>

#include "base/error.h"
#include "infer/decoder.h"
#include "infer/prompt_lookup.h"
#include "infer/runs.h"
#include "support/tiny_adapter.h"
#include "support/tiny_families.h"

namespace bantam {
namespace {

using test::Logits, test::same_bytes, test::some_tokens, test::TinyAdapter;
using Ids = std::vector<std::int32_t>;

// Narrow and wide (the products go another way from a rank of 33 on), some layers alone, DoRA.
const TinyAdapter kKinds[] = {{.seed = 1},
                              {.rank = 40, .targets = {"q_proj", "v_proj"}, .seed = 2},
                              {.magnitudes = true, .seed = 3},
                              {.rank = 2, .targets = {"down_proj"}, .seed = 4}};
constexpr std::int32_t kCount = std::size(kKinds);

class Choices : public ::testing::Test {
 protected:
  void make(Type type = Type::f32, void (*change)(Config&) = nullptr) {
    ++models_;
    test::TinyModel tiny;
    tiny.type = type;
    tiny.change = change;
    const Path path = folder_ / (std::to_string(models_) + ".gguf");
    test::write_tiny_gguf(path, tiny);
    file_ = std::make_shared<const ModelFile>(path);
    for (std::int32_t i = 0; i < kCount; ++i) test::write_tiny_adapter(adapter(i), file_, kKinds[i]);
  }
  Path adapter(std::int32_t i) const {
    return folder_ / (std::to_string(models_) + "-" + std::to_string(i));
  }
  SessionOptions options(unsigned threads, std::int64_t slots, std::int64_t chunk = 512) const {
    SessionOptions o;
    o.threads = threads;
    o.slots = slots;
    o.chunk = chunk;
    o.arithmetic = arithmetic_;
    return o;
  }
  // One adapter for the whole session, as `generate --adapter` has it; negative: none.
  std::unique_ptr<Session> alone(std::int32_t i) const {
    SessionOptions o = options(1, 1);
    if (i >= 0) o.prepare = test::tiny_attachment(adapter(i));
    return std::make_unique<Session>(file_, o);
  }
  std::unique_ptr<Session> together(unsigned threads, std::int64_t slots,
                                    std::int64_t chunk = 512) const {
    SessionOptions o = options(threads, slots, chunk);
    for (std::int32_t i = 0; i < kCount; ++i) o.choices.push_back(test::tiny_choice(adapter(i)));
    return std::make_unique<Session>(file_, o);
  }
  AnswerOptions greedy(std::int64_t tokens) const {
    AnswerOptions o;
    o.sampling.temperature = 0;
    o.sampling.logit_bias = {{260, -100}};
    o.most_tokens = tokens;
    return o;
  }
  Ids answer_alone(std::int32_t i, const Ids& prompt, std::int64_t tokens) const {
    const auto session = alone(i);
    Answer answer(tokenizer_, greedy(tokens));
    generate(*session, 0, prompt, answer);
    return {answer.ids().begin(), answer.ids().end()};
  }

  test::ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
  std::shared_ptr<const Tokenizer> tokenizer_ = test::tiny_tokenizer();
  std::optional<Arithmetic> arithmetic_;
  int models_ = 0;
};

struct Form {
  Type type;
  Arithmetic arithmetic;
  void (*change)(Config&);
};

TEST_F(Choices, EachRowHasTheBytesOfItsAdapterAlone) {
  const auto biases = [](Config& c) {
    c.attention_bias = c.output_bias = c.feed_forward_bias = true;
  };
  const Form forms[] = {{Type::f32, Arithmetic::f32, nullptr},
                        {Type::f32, Arithmetic::f32, biases},
                        {Type::bf16, Arithmetic::bf16, biases},
                        {Type::q8_0, Arithmetic::int8, nullptr},
                        {Type::q8_0, Arithmetic::faithful, biases}};
  for (const Form& form : forms) {
    arithmetic_ = form.arithmetic;
    make(form.type, form.change);
    std::vector<Ids> ids;
    std::vector<Logits> expected;
    for (std::int32_t i = -1; i < kCount; ++i) {
      ids.push_back(some_tokens(static_cast<std::size_t>(60 + 3 * i), 11));  // one beginning for all
      expected.push_back(test::run(*alone(i), 0, ids.back(), 60));
      for (std::size_t other = 0; other + 1 < expected.size(); ++other)
        ASSERT_NE(expected[other][20], expected.back()[20]);
    }
    for (const auto& [threads, chunk, piece] :
         {std::tuple{1u, 512, 100u}, {3u, 512, 1u}, {2u, 7, 100u}, {3u, 100, 40u}}) {
      const auto session = together(threads, kCount + 1, chunk);
      std::vector<Logits> got(kCount + 1);
      // Those of the highest number stand first: the session puts them into its own order.
      for (std::int32_t slot = 0; slot <= kCount; ++slot) session->choose(slot, kCount - 1 - slot);
      for (std::size_t at = 0; at < 80; at += piece) {
        std::vector<Session::Part> parts;
        std::vector<std::size_t> whose;
        for (std::size_t slot = 0; slot <= kCount; ++slot) {
          const Ids& own = ids[kCount - slot];
          if (at >= own.size()) continue;
          const std::size_t count = std::min<std::size_t>(piece, own.size() - at);
          parts.push_back({static_cast<std::int64_t>(slot), std::span(own).subspan(at, count),
                           Session::Want::all});
          whose.push_back(kCount - slot);
        }
        if (parts.empty()) break;
        session->evaluate(parts, [&](std::size_t part, std::size_t, std::span<const float> row) {
          got[whose[part]].emplace_back(row.begin(), row.end());
        });
      }
      for (std::size_t i = 0; i <= kCount; ++i)
        EXPECT_TRUE(same_bytes(got[i], expected[i]))
            << "adapter " << i << ", arithmetic " << static_cast<int>(form.arithmetic) << ", "
            << threads << " threads, chunks of " << chunk << ", pieces of " << piece;
    }
  }
}

TEST_F(Choices, AnswersInOneBatchAreThoseOfEachAlone) {
  make();
  const Ids prompt = some_tokens(50, 3);
  std::vector<Ids> expected;
  for (std::int32_t i = -1; i < kCount; ++i) expected.push_back(answer_alone(i, prompt, 40));
  for (const std::int64_t slots : {2, 3, 16}) {  // few: a slot goes from adapter to adapter
    const auto session = together(2, slots);
    Decoder decoder(*session);
    std::vector<std::unique_ptr<Answer>> answers;
    std::vector<std::unique_ptr<Going>> goings;
    std::vector<PromptLookup> guesses(3 * (kCount + 1));
    std::vector<Going*> all;
    for (std::int32_t n = 0; n < 3 * (kCount + 1); ++n) {
      answers.push_back(std::make_unique<Answer>(tokenizer_, greedy(40)));
      goings.push_back(std::make_unique<Going>(prompt, *answers.back()));
      goings.back()->adapter = (n * 2) % (kCount + 1) - 1;
      goings.back()->proposer = &guesses[static_cast<std::size_t>(n)];
      all.push_back(goings.back().get());
    }
    decoder.run(all);
    for (std::size_t n = 0; n < goings.size(); ++n) {
      const Ids got(answers[n]->ids().begin(), answers[n]->ids().end());
      EXPECT_EQ(got, expected[static_cast<std::size_t>(goings[n]->adapter + 1)]) << n;
    }
  }
}

// One answer on a decoder that others have used; the tokens of its prompt that were not read again.
std::int64_t reused(Decoder& decoder, const std::shared_ptr<const Tokenizer>& tokenizer,
                    const AnswerOptions& options, const Ids& prompt, std::int32_t adapter,
                    Ids& answered) {
  Answer answer(tokenizer, options);
  Going going(prompt, answer);
  going.adapter = adapter;
  Going* const one = &going;
  decoder.run({&one, 1});
  answered.assign(answer.ids().begin(), answer.ids().end());
  return going.reused();
}

TEST_F(Choices, ABeginningIsSharedUnderOneAdapterAlone) {
  make();
  const auto session = together(1, 4);
  Decoder decoder(*session);
  const Ids prompt = some_tokens(50, 4);
  Ids first, again, other, base;
  EXPECT_EQ(reused(decoder, tokenizer_, greedy(20), prompt, 0, first), 0);
  EXPECT_EQ(reused(decoder, tokenizer_, greedy(20), prompt, 1, other), 0);
  EXPECT_EQ(reused(decoder, tokenizer_, greedy(20), prompt, Session::kNoAdapter, base), 0);
  EXPECT_EQ(reused(decoder, tokenizer_, greedy(20), prompt, 0, again), 49);
  EXPECT_EQ(again, first);
  EXPECT_EQ(first, answer_alone(0, prompt, 20));
  EXPECT_EQ(other, answer_alone(1, prompt, 20));
  EXPECT_EQ(base, answer_alone(-1, prompt, 20));
}

TEST_F(Choices, ASlotForgetsWhatAnotherAdapterRead) {
  make();
  const auto session = together(1, 2);
  const Ids ids = some_tokens(30, 5);
  session->choose(0, 1);
  test::run(*session, 0, ids, 30);
  session->choose(0, 1);
  EXPECT_EQ(session->tokens(0).size(), 30u);
  session->copy(0, 1, 20);  // under its adapter
  EXPECT_EQ(session->adapter(1), 1);
  EXPECT_EQ(session->tokens(1).size(), 20u);
  session->choose(0, 2);
  EXPECT_TRUE(session->tokens(0).empty());
  for (const std::int32_t none : {-2, kCount}) EXPECT_THROW(session->choose(0, none), Error);
  // What is kept in a file is one adapter's, too.
  const Path saved = folder_ / "saved";
  session->save(1, saved);
  EXPECT_EQ(session->load(1, saved, ids), 20);
  EXPECT_THROW(session->load(0, saved, ids), Error);
  session->choose(0, Session::kNoAdapter);
  EXPECT_THROW(session->load(0, saved, ids), Error);
  EXPECT_EQ(alone(1)->load(0, saved, ids), 20);
}

TEST_F(Choices, WhatCannotBeChosenIsRefused) {
  make();
  SessionOptions both = options(1, 1);
  both.prepare = test::tiny_attachment(adapter(0));
  both.choices = {test::tiny_choice(adapter(1))};
  EXPECT_THROW(Session(file_, both), Error);
  SessionOptions whole = options(1, 1);
  whole.choices = {[&](Model& model, const std::shared_ptr<const ModelFile>& file, const Exec& exec) {
    adapt::Adapter brought = adapt::read_adapter(adapter(0), model);
    for (const WeightSpec& w : model.weights())
      if (w.role == Role::gain) brought.whole[w.own_name()] = Tensor::zeros(w.shape);
    adapt::add_choice(model, brought, file, exec);
    return std::string();
  }};
  try {
    Session session(file_, whole);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("whole weights"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bantam
