// A teacher's shares, where they are kept, and what is learnt of them.
#include "adapt/teacher.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "adapt/attach.h"
#include "adapt/run.h"
#include "base/error.h"
#include "infer/divergence.h"
#include "infer/session.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

TEST(Teacher, TheLikeliestTokensShareWithTheLabel) {
  const std::vector<float> logits{0, std::log(2.0f), std::log(6.0f), -50};
  const SoftLabel s = soft_label(logits, 1, {0.5, 2});
  EXPECT_EQ(s.ids, (std::vector<std::int32_t>{2, 1}));
  EXPECT_NEAR(s.shares[0], 0.5 * 0.75, 1e-6);
  EXPECT_NEAR(s.shares[1], 0.5 * 0.25 + 0.5, 1e-6);
  const SoftLabel other = soft_label(logits, 3, {0.25, 1});  // a label that is not among them
  EXPECT_EQ(other.ids, (std::vector<std::int32_t>{2, 3}));
  EXPECT_NEAR(other.shares[0], 0.25, 1e-6);
  EXPECT_NEAR(other.shares[1], 0.75, 1e-6);
  const SoftLabel equal = soft_label(std::vector<float>{1, 1, 1}, 0, {1, 2});
  EXPECT_EQ(equal.ids, (std::vector<std::int32_t>{0, 1}));
  EXPECT_THROW(soft_label(std::vector<float>{NAN, 0}, 0, {1, 2}), Error);
}

class Taught : public testing::Test {
 protected:
  void SetUp() override {
    test::TinyModel tiny;
    test::write_tiny_gguf(scratch_ / "student.gguf", tiny);
    tiny.seed = 5;
    tiny.layers = 3;
    test::write_tiny_gguf(scratch_ / "teacher.gguf", tiny);
    std::ofstream data(scratch_ / "data.jsonl");
    for (int i = 0; i < 8; ++i)
      data << R"({"prompt":"the q)" << i << R"(","completion":" the answer )" << std::string(static_cast<std::size_t>(1 + i % 3), 'a') << R"("})" << "\n";
  }
  TuneRequest request(const char* out) const {
    TuneRequest r;
    r.model = scratch_ / "student.gguf";
    r.teacher = scratch_ / "teacher.gguf";
    r.data = scratch_ / "data.jsonl";
    r.out = scratch_ / out;
    r.batch = 4;
    r.epochs = 20;
    r.rank = 16;
    r.rate = 1e-2;
    r.validation = 0;
    return r;
  }
  std::string bytes(const Path& path) const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // How far from the teacher's answers those of the student with this adapter are, nats a token.
  double away(const std::optional<Path>& adapter) const {
    const auto prompt = test::tiny_tokenizer()->encode("the q3 the answer aa");
    const auto logits = [&](const Path& model, const std::optional<Path>& with) {
      SessionOptions options;
      options.threads = 1;
      options.cache = Type::f32;
      if (with)
        options.prepare = [&](Model& m, const std::shared_ptr<const ModelFile>& file, const Exec& exec) {
          attach(m, read_adapter(*with, m), file, exec);
          return std::string();
        };
      Session session(std::make_shared<const ModelFile>(model), options);
      std::vector<std::vector<float>> out;
      const Session::Part part{0, prompt, Session::Want::all};
      session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> l) { out.emplace_back(l.begin(), l.end()); });
      return out;
    };
    const auto teacher = logits(scratch_ / "teacher.gguf", {}), student = logits(scratch_ / "student.gguf", adapter);
    double sum = 0;
    for (std::size_t i = 8; i < prompt.size(); ++i) sum += divergence(teacher[i], student[i]).kl;
    return sum;
  }
  test::ScratchFolder scratch_;
};

TEST_F(Taught, TheStudentComesNearItsTeacher) {
  TuneRequest r = request("taught");
  r.teaching = {1, 261};  // nothing but the teacher, all of it
  const TuneResult result = run_tuning(r, {});
  EXPECT_LT(result.losses.back(), result.losses.front());
  EXPECT_LT(away(r.out), 0.5 * away({}));
}

TEST_F(Taught, TheSameBytesAfterAStopAndOnAnyThreads) {
  TuneRequest r = request("one");
  TuneOptions options;
  options.threads = 1;
  run_tuning(r, options);
  r = request("two");
  options.threads = 2;
  int steps = 0;
  options.stop = [&] { return ++steps > 14; };  // in the middle of learning
  EXPECT_FALSE(run_tuning(r, options).finished);
  const std::string kept = bytes(scratch_ / "two.run" / "teacher");
  EXPECT_FALSE(kept.empty());
  options.stop = [] { return false; };
  options.resume = true;
  EXPECT_TRUE(run_tuning(r, options).finished);
  EXPECT_EQ(bytes(scratch_ / "one" / "adapter_model.safetensors"), bytes(scratch_ / "two" / "adapter_model.safetensors"));
}

TEST_F(Taught, WhatIsKeptIsReadAgainForTheSamePurposeAlone) {
  const auto tokenizer = test::tiny_tokenizer();
  std::vector<LabelledExample> examples(1), again;
  examples[0].first.ids = {1, 2, 3, 4};
  examples[0].first.mask = {0, 0, 1, 1};
  again = examples;
  const Path kept = scratch_ / "kept";
  const auto ask = [&](std::vector<LabelledExample>& e, const TeacherSettings& s, bool anew = false) {
    return ask_teacher(scratch_ / "teacher.gguf", *tokenizer, e, s, kept, anew, 1, [](std::int64_t) { return true; });
  };
  ASSERT_TRUE(ask(examples, {0.5, 4}));
  ASSERT_EQ(examples[0].first.soft.size(), 2u);
  const std::string first = bytes(kept);
  ASSERT_TRUE(ask(again, {0.5, 4}));
  EXPECT_EQ(again[0].first.soft[1].ids, examples[0].first.soft[1].ids);
  EXPECT_EQ(again[0].first.soft[1].shares, examples[0].first.soft[1].shares);
  EXPECT_THROW(ask(again, {0.25, 4}), Error);  // it is not thrown away unasked
  EXPECT_EQ(bytes(kept), first);
  ASSERT_TRUE(ask(again, {0.25, 4}, true));
  EXPECT_NE(bytes(kept), first);
  std::ofstream(kept, std::ios::binary) << first.substr(0, first.size() - 3);  // cut
  ASSERT_TRUE(ask(again, {0.5, 4}));
  EXPECT_EQ(bytes(kept), first);
}

TEST_F(Taught, AnotherObjectiveIsRefused) {
  std::ofstream(scratch_ / "pairs.jsonl") << R"({"prompt":"q","chosen":"good","rejected":"bad"})" << "\n";
  TuneRequest r = request("x");
  r.data = scratch_ / "pairs.jsonl";
  r.objective = Objective::dpo;
  try {
    run_tuning(r, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("objective sft"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bantam::adapt
