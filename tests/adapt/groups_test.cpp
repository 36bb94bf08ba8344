// Whole runs of group-relative policy optimisation on a tiny model: the same bytes on any threads and
// after any stop, rewards that rise, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "adapt/group_steps.h"
#include "adapt/rollouts.h"
#include "adapt/run.h"
#include "base/error.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

constexpr const char* kForm =
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}"
    "{% if m.role == 'assistant' %}</s>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}";

// Likes answers that begin with a byte below this.
Reward begins_below(int byte) {
  return {"begins", [](const Json&) {}, [byte](const Json&, const std::string& answer) {
            return !answer.empty() && static_cast<unsigned char>(answer[0]) < byte ? 1.0 : 0.0;
          }};
}

class Groups : public testing::Test {
 protected:
  void SetUp() override {
    test::TinyModel tiny;
    tiny.chat_template = kForm;
    test::write_tiny_gguf(scratch_ / "model.gguf", tiny);
    std::ofstream data(scratch_ / "data.jsonl");
    for (int i = 0; i < 7; ++i)  // prompts of many lengths
      data << R"({"prompt":"q)" << std::string(static_cast<std::size_t>(1 + i * 5 % 7), 'x') << i << R"(","answer":")" << i
           << R"("})" << "\n";
  }
  TuneRequest request(const char* out) const {
    TuneRequest r;
    r.model = scratch_ / "model.gguf";
    r.data = scratch_ / "data.jsonl";
    r.out = scratch_ / out;
    r.objective = Objective::grpo;
    r.arithmetic = Arithmetic::f32;
    r.reward = begins_below(64);
    r.groups.group = 4;
    r.groups.answer_tokens = 5;
    r.batch = 3;
    r.steps = 6;
    r.rank = 4;
    r.rate = 1e-2;
    return r;
  }
  std::string adapter_bytes(const char* out) const {
    std::ifstream file(scratch_ / out / "adapter_model.safetensors", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string refusal(const TuneRequest& r) const {
    try {
      run_tuning(r, {});
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  test::ScratchFolder scratch_;
};

TEST_F(Groups, AnyThreadsAndAnyDivisionGiveTheSameBytes) {
  for (const auto& [method, arithmetic, iterations, beta] :
       {std::tuple{Method::lora, Arithmetic::f32, 1, 0.0}, {Method::dora, Arithmetic::f32, 2, 0.1},
        {Method::lora, Arithmetic::bf16, 1, 0.1}}) {
    std::string first;
    std::vector<double> rewards;
    for (const auto& [micro, threads] : {std::pair{0, 1u}, {1, 2u}, {5, 3u}}) {
      TuneRequest r = request("a");
      r.method = method;
      r.arithmetic = arithmetic;
      r.groups.iterations = iterations;
      r.beta = beta;
      r.micro_batch = micro;
      TuneOptions o;
      o.threads = threads;
      o.force = true;
      const TuneResult result = run_tuning(r, o);
      EXPECT_NE(result.gate.find("bytes of every logit"), std::string::npos) << result.gate;
      EXPECT_NE(result.gate.find("golden vectors: 3 prompts, kept in it"), std::string::npos) << result.gate;
      const std::string bytes = adapter_bytes("a");
      if (first.empty()) {
        first = bytes;
        rewards = result.rewards;
      }
      EXPECT_TRUE(bytes == first) << micro << " at a time";
      EXPECT_EQ(result.rewards, rewards);
    }
  }
}

TEST_F(Groups, AnotherSeedSamplesOtherAnswers) {
  TuneRequest r = request("one");
  const TuneResult one = run_tuning(r, {});
  r.out = scratch_ / "two";
  r.seed = 2;
  const TuneResult two = run_tuning(r, {});
  EXPECT_NE(one.rewards, two.rewards);
}

TEST_F(Groups, AStoppedRunGoesOnToTheSameBytes) {
  for (const int iterations : {1, 3}) {
    TuneRequest r = request("whole");
    r.groups.iterations = iterations;
    r.beta = 0.1;
    TuneOptions o;
    o.force = true;
    const TuneResult whole = run_tuning(r, o);
    ASSERT_EQ(whole.rewards.size(), 6u);
    for (const int when : {3, 9, 20}) {  // while answers are sampled, and between steps
      r.out = scratch_ / "cut";
      TuneOptions cut;
      cut.force = true;
      int asked = 0;
      cut.stop = [&] { return ++asked >= when; };
      EXPECT_FALSE(run_tuning(r, cut).finished);
      EXPECT_TRUE(std::filesystem::exists(scratch_ / "cut.run"));
      cut.stop = [] { return false; };
      cut.resume = true;
      const TuneResult rest = run_tuning(r, cut);
      EXPECT_TRUE(rest.finished);
      EXPECT_EQ(rest.rewards.size(), whole.rewards.size());
      for (std::size_t i = 0; i < whole.rewards.size(); ++i) EXPECT_FLOAT_EQ(static_cast<float>(rest.rewards[i]), static_cast<float>(whole.rewards[i]));
      EXPECT_EQ(rest.groups, whole.groups);
      EXPECT_EQ(rest.silent_groups, whole.silent_groups);
      EXPECT_EQ(rest.answers, whole.answers);
      EXPECT_EQ(rest.cut_answers, whole.cut_answers);
      EXPECT_TRUE(adapter_bytes("whole") == adapter_bytes("cut")) << iterations << " " << when;
    }
  }
}

TEST_F(Groups, AResumedRunMustAskTheSame) {
  TuneRequest r = request("cut");
  TuneOptions o;
  o.stop = [] { return true; };
  EXPECT_FALSE(run_tuning(r, o).finished);
  o.stop = [] { return false; };
  o.resume = true;
  r.groups.temperature = 0.5;
  EXPECT_THROW(run_tuning(r, o), Error);
  r.groups.temperature = 1;
  r.reward.name = "other";
  EXPECT_THROW(run_tuning(r, o), Error);
  r.reward.name = "begins";
  std::ofstream(scratch_ / "data.jsonl", std::ios::app) << R"({"prompt":"more","answer":"1"})" << "\n";
  EXPECT_THROW(run_tuning(r, o), Error);
}

double mean(std::span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

TEST_F(Groups, TheRewardRisesFromChanceToHigh) {
  for (const Method method : {Method::lora, Method::full}) {
    TuneRequest r = request("learnt");
    r.method = method;
    r.reward = begins_below(48);
    r.groups.group = 8;
    r.groups.answer_tokens = 3;
    r.batch = 4;
    r.steps = 40;
    r.rate = method == Method::full ? 2e-3 : 2e-2;
    TuneOptions o;
    o.force = true;
    const TuneResult result = run_tuning(r, o);
    const double before = mean(std::span(result.rewards).first(3)), after = mean(std::span(result.rewards).last(5));
    EXPECT_LT(before, 0.4);  // 48 of 261 would be 0.18
    EXPECT_GT(after, 0.9);
    EXPECT_EQ(result.groups, 40 * 4 - 40 / 2);  // seven records: steps of four and of three in turn
    EXPECT_GT(result.silent_groups, 0);
  }
}

TEST_F(Groups, TheBoundCountsOnceAnswersAreUsedAgain) {
  const auto bytes = [&](std::int64_t iterations, double epsilon) {
    TuneRequest r = request("bound");
    r.groups.iterations = iterations;
    r.groups.epsilon = epsilon;
    TuneOptions o;
    o.force = true;
    run_tuning(r, o);
    return adapter_bytes("bound");
  };
  EXPECT_TRUE(bytes(1, 0.2) == bytes(1, 0.001));  // every ratio is 1
  EXPECT_FALSE(bytes(3, 0.2) == bytes(3, 0.001));
}

TEST_F(Groups, EqualRewardsTellNothing) {
  TuneRequest r = request("still");
  r.reward = {"all", [](const Json&) {}, [](const Json&, const std::string&) { return 0.25; }};
  r.decay = 0;
  const TuneResult result = run_tuning(r, {});
  for (const double loss : result.losses) EXPECT_EQ(loss, 0);
  for (const double reward : result.rewards) EXPECT_EQ(reward, 0.25);
  EXPECT_EQ(result.silent_groups, result.groups);
  // Nothing was learnt: another rate gives the same adapter.
  const std::string bytes = adapter_bytes("still");
  r.out = scratch_ / "faster";
  r.rate = 1;
  run_tuning(r, {});
  EXPECT_TRUE(bytes == adapter_bytes("faster"));
}

// An answer that ended has its stop token; one that was cut off has as many tokens as were allowed and none.
TEST_F(Groups, AnswersThatWereCutOffAreCounted) {
  TuneRequest r = request("counted");
  r.steps = 1;
  r.groups.answer_tokens = 100;
  r.reward = {"ended", [](const Json&) {}, [](const Json&, const std::string&) { return 1.0; }};
  const TuneResult result = run_tuning(r, {});
  EXPECT_EQ(result.answers, result.groups * r.groups.group);
  EXPECT_GT(result.cut_answers, 0);               // of 261 tokens one ends an answer: of 100 tokens about
  EXPECT_LT(result.cut_answers, result.answers);  // a third of the answers meet it
  r.out = scratch_ / "short";
  r.groups.answer_tokens = 1;
  const TuneResult one = run_tuning(r, {});
  EXPECT_GE(one.cut_answers, one.answers - 2);
}

TEST_F(Groups, TheDivergenceHoldsTheModelNearItsStart) {
  // At first the model is its start: the divergence is 0, and so is its gradient.
  TuneRequest r = request("one");
  r.steps = 1;
  const TuneResult free = run_tuning(r, {});
  r.out = scratch_ / "two";
  r.beta = 5;
  const TuneResult held = run_tuning(r, {});
  EXPECT_NEAR(held.losses[0], free.losses[0], 1e-12);
  EXPECT_TRUE(adapter_bytes("one") == adapter_bytes("two"));
  // Later it keeps the reward from rising.
  r.reward = begins_below(48);
  r.groups.group = 8;
  r.groups.answer_tokens = 3;
  r.steps = 25;
  r.rate = 2e-2;
  const auto learnt = [&](double beta, const char* out) {
    r.beta = beta;
    r.out = scratch_ / out;
    return mean(std::span<const double>(run_tuning(r, {}).rewards).last(5));
  };
  EXPECT_GT(learnt(0, "free"), learnt(5, "held") + 0.2);
}

TEST_F(Groups, AModelInBlocksIsRolledOutAsItIsServed) {
  test::TinyModel tiny;
  tiny.chat_template = kForm;
  tiny.type = Type::q8_0;
  test::write_tiny_gguf(scratch_ / "blocks.gguf", tiny);
  TuneRequest r = request("q");
  r.model = scratch_ / "blocks.gguf";
  r.arithmetic.reset();
  const TuneResult result = run_tuning(r, {});
  EXPECT_EQ(result.method, Method::qlora);
  EXPECT_NE(result.gate.find("bytes of every logit"), std::string::npos) << result.gate;
}

// What is sampled is drawn from what the model says: frequencies beside the probabilities of its
// logits, and at another temperature beside theirs.
TEST_F(Groups, AnswersAreSampledFromTheModelsOwnProbabilities) {
  const auto file = std::make_shared<const ModelFile>(scratch_ / "model.gguf");
  OwnRuntime own(2);
  const Runtime runtime = own.lend();
  std::vector<Scratch> scratch(runtime.pool.size() + 1);
  const auto model = load_model(file, Arithmetic::f32, {runtime.pool, runtime.kernels, scratch});
  const std::vector<std::int32_t> prompt{259, 'a', 'b'};
  std::vector<float> logits;
  {
    Session session(*model, runtime, SessionOptions());
    const Session::Part part{0, prompt, Session::Want::last};
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); });
  }
  for (const double temperature : {1.0, 0.5}) {
    GroupSettings settings;
    settings.group = 4000;
    settings.answer_tokens = 1;
    settings.temperature = temperature;
    RollOuts roll_outs(*model, runtime, Arithmetic::f32, test::tiny_tokenizer(), settings, 3, 1);
    const std::span<const std::int32_t> prompts[] = {prompt};
    const std::vector<RollOut> answers = roll_outs.sample(prompts, 0, {});
    ASSERT_EQ(answers.size(), 4000u);
    std::vector<double> shares(logits.size()), expected;
    for (const RollOut& a : answers) {
      ASSERT_EQ(a.ids.size(), 1u);
      shares[static_cast<std::size_t>(a.ids[0])] += 1.0 / 4000;
    }
    double total = 0, distance = 0;
    for (const float z : logits) expected.push_back(std::exp(static_cast<double>(z) / temperature));
    for (const double e : expected) total += e;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const double p = expected[i] / total;
      EXPECT_NEAR(shares[i], p, 5 * std::sqrt(p * (1 - p) / 4000) + 1e-3) << i;
      distance += std::fabs(shares[i] - p) / 2;
    }
    EXPECT_LT(distance, 0.15);
    // Of another round other answers; of the same the same.
    const auto ids = [](const std::vector<RollOut>& all) {
      std::vector<std::int32_t> out;
      for (const RollOut& a : all) out.insert(out.end(), a.ids.begin(), a.ids.end());
      return out;
    };
    EXPECT_EQ(ids(roll_outs.sample(prompts, 0, {})), ids(answers));
    EXPECT_NE(ids(roll_outs.sample(prompts, 1, {})), ids(answers));
  }
}

TEST_F(Groups, PromptsEndWhereTheModelAnswers) {
  std::ofstream data(scratch_ / "forms.jsonl");
  data << R"({"prompt":"q","answer":"a"})" << "\n"
       << R"({"question":"q","answer":"a"})" << "\n\n"
       << R"({"messages":[{"role":"user","content":"q"}]})" << "\n"
       << R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"left away"}]})" << "\n"
       << R"({"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q</s>"}]})" << "\n";
  data.close();
  TuneRequest r = request("x");
  const PreparedData prepared = prepare_data(r, scratch_ / "forms.jsonl");
  ASSERT_EQ(prepared.examples.size(), 5u);
  ASSERT_EQ(prepared.records.size(), 5u);
  EXPECT_EQ(prepared.records[0]["answer"], "a");
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(prepared.tokenizer->decode(prepared.examples[i].first.ids, false), "[user] q[assistant] ") << i;
  EXPECT_EQ(prepared.examples[2].line, 4);
  // A control token that a question spells is text.
  const std::vector<std::int32_t>& quoted = prepared.examples[4].first.ids;
  EXPECT_EQ(prepared.tokenizer->decode(quoted, false), "[system] s[user] q</s>[assistant] ");
  EXPECT_EQ(std::ranges::count(quoted, 260), 0);
}

TEST_F(Groups, RecordsMayBeATable) {
  std::ofstream(scratch_ / "table.csv") << "question,answer\n\"one, two?\",3\nq,4\n";
  const PreparedData prepared = prepare_data(request("x"), scratch_ / "table.csv");
  ASSERT_EQ(prepared.examples.size(), 2u);
  EXPECT_EQ(prepared.tokenizer->decode(prepared.examples[0].first.ids, false), "[user] one, two?[assistant] ");
  EXPECT_EQ(prepared.examples[1].line, 3);
  EXPECT_EQ(prepared.records[1]["answer"], "4");
}

TEST_F(Groups, BadRecordsAndRequestsAreRefusedByName) {
  const auto with = [&](const std::string& lines) {
    std::ofstream(scratch_ / "bad.jsonl") << lines;
    TuneRequest r = request("x");
    r.data = scratch_ / "bad.jsonl";
    r.reward.check = [](const Json& record) {
      if (!record.contains("answer")) throw Error("is missing").field("answer");
    };
    return refusal(r);
  };
  const std::string good = R"({"prompt":"q","answer":"a"})" "\n";
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  std::string said = with(good + R"({"prompt":"q"})");
  EXPECT_TRUE(has(said, "bad.jsonl") && has(said, "2") && has(said, "answer: is missing") && has(said, "--skip-broken")) << said;
  said = with(R"({"text":"q","answer":"a"})");
  EXPECT_TRUE(has(said, "nothing is asked")) << said;
  said = with(good + "{\n");
  EXPECT_TRUE(has(said, "2")) << said;
  said = with(R"({"messages":[{"role":"assistant","content":"x"}],"answer":"a"})");
  EXPECT_TRUE(has(said, "it asks nothing")) << said;
  said = with("\n");
  EXPECT_TRUE(has(said, "there is no record")) << said;
  said = with(good + R"({"prompt":")" + std::string(120, 'x') + R"(","answer":"a"})");
  EXPECT_TRUE(has(said, "bad.jsonl:2") && has(said, "--answer-tokens")) << said;
  TuneRequest r = request("x");
  r.reward = {};
  EXPECT_TRUE(has(refusal(r), "--reward"));
  r = request("x");
  r.validation = 0.1;
  EXPECT_TRUE(has(refusal(r), "--validation"));
  r = request("x");
  r.most_tokens = 10;
  EXPECT_TRUE(has(refusal(r), "--max-tokens"));
  for (const bool writes : {false, true}) {
    r = request("x");
    r.teacher = scratch_ / "model.gguf";
    r.teacher_writes = writes;
    EXPECT_TRUE(has(refusal(r), "--teacher") && has(refusal(r), "grpo"));
  }
  r = request("x");
  r.groups.group = 1;
  EXPECT_TRUE(has(refusal(r), "--group"));
  r = request("x");
  r.reward.of = [](const Json&, const std::string&) { return NAN; };
  EXPECT_TRUE(has(refusal(r), "no number"));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "x"));
}

}  // namespace
}  // namespace bantam::adapt
