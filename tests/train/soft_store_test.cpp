// What a teacher says of a text: the shares of its own logits, kept and found again, and what a student learns of
// them.
#include "train/soft_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/error.h"
#include "infer/divergence.h"
#include "infer/session.h"
#include "support/tiny_model.h"
#include "train/sample_run.h"

namespace bantam::test {

namespace {

class Softly : public ::testing::Test {
 protected:
  void SetUp() override {
    TinyModel tiny;  // of 261 tokens, and a context of 128
    tiny.seed = 5;
    write_tiny_gguf(scratch_ / "teacher.gguf", tiny);
    teacher_ = std::make_shared<const ModelFile>(scratch_ / "teacher.gguf");
    store_ = sample_text(60, 261);
    const Random random(9, 9);
    std::vector<std::int32_t> longest;
    for (std::uint64_t i = 0; i < 300; ++i) longest.push_back(static_cast<std::int32_t>(random.below(i, 261)));
    std::vector<float> weights(longest.size(), 1.0f);
    weights[7] = 0;
    store_.add(longest, weights);
    documents_ = split_documents(store_, 0.1).train;
    if (!std::ranges::count(documents_, 60)) documents_.push_back(60);
  }
  std::unique_ptr<SoftStore> filled(const TeacherSettings& settings, const std::string& kept, unsigned threads = 2) {
    auto out = std::make_unique<SoftStore>(teacher_, scratch_ / "teacher.gguf", store_, documents_, 261, settings);
    OwnRuntime runtime(threads);
    EXPECT_TRUE(out->fill(scratch_ / kept, runtime.lend(), [](std::int64_t) { return true; }));
    return out;
  }
  std::string bytes(const std::string& name) const {
    std::ifstream file(scratch_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Logits of the teacher for the token behind each of these.
  std::vector<std::vector<float>> logits(std::span<const std::int32_t> ids) const {
    SessionOptions options;
    options.threads = 1;
    options.cache = Type::f32;
    Session session(teacher_, options);
    std::vector<std::vector<float>> out;
    const Session::Part part{0, ids, Session::Want::all};
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> l) { out.emplace_back(l.begin(), l.end()); });
    return out;
  }
  void expect_label(const ops::SoftTarget& said, const SoftLabel& label) const {
    EXPECT_TRUE(std::ranges::equal(said.ids, label.ids));
    EXPECT_TRUE(std::ranges::equal(said.shares, label.shares));
  }
  TrainSettings settings() const {
    TrainSettings s = sample_settings(Arithmetic::f32);
    s.model.vocabulary = 261;
    return s;
  }
  ScratchFolder scratch_;
  std::shared_ptr<const ModelFile> teacher_;
  TokenStore store_;
  std::vector<std::int64_t> documents_;
};

TEST_F(Softly, SaysWhatTheTeachersLogitsSay) {
  const TeacherSettings few{0.5, 4};
  const auto soft = filled(few, "kept");
  const std::int64_t document = documents_.front();
  const auto ids = store_.document(document);
  const auto all = logits(ids);
  EXPECT_TRUE(soft->at(document, 0).ids.empty());
  for (std::size_t i = 1; i < ids.size(); ++i)
    expect_label(soft->at(document, static_cast<std::int64_t>(i)), soft_label(all[i - 1], ids[i], few));
  // A longer one than its context: behind the first window it has seen half a window at least.
  const auto longest = store_.document(60);
  EXPECT_TRUE(soft->at(60, 7).ids.empty());  // counts nothing
  expect_label(soft->at(60, 128), soft_label(logits(longest.first(128))[127], longest[128], few));
  expect_label(soft->at(60, 129), soft_label(logits(longest.subspan(64, 128))[64], longest[129], few));
  expect_label(soft->at(60, 299), soft_label(logits(longest.subspan(192, 107))[106], longest[299], few));
  for (std::int64_t d = 0; d < 60; ++d)
    EXPECT_EQ(soft->at(d, 1).ids.empty(), !std::ranges::count(documents_, d)) << d;
}

TEST_F(Softly, IsKeptForOnePurpose) {
  const auto first = filled({0.5, 4}, "kept", 1);
  const std::string kept = bytes("kept");
  EXPECT_EQ(kept.size(), first->bytes());
  filled({0.5, 4}, "other", 3);
  EXPECT_EQ(bytes("other"), kept);
  SoftStore again(teacher_, scratch_ / "teacher.gguf", store_, documents_, 261, {0.5, 4});
  OwnRuntime runtime(1);
  int asked = 0;
  EXPECT_TRUE(again.fill(scratch_ / "kept", runtime.lend(), [&](std::int64_t) { return ++asked > 0; }));
  EXPECT_EQ(asked, 0);
  EXPECT_NE(filled({0.25, 4}, "kept")->purpose(), first->purpose());  // replaces what was there
  EXPECT_NE(bytes("kept"), kept);
  SoftStore stopped(teacher_, scratch_ / "teacher.gguf", store_, documents_, 261, {0.5, 3});
  EXPECT_FALSE(stopped.fill(scratch_ / "third", runtime.lend(), [](std::int64_t done) { return done < 5; }));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "third"));
}

// The loss is a sum over shares: for half the teacher's it lies in the middle of that of the text and that of the
// teacher alone.
TEST_F(Softly, TheLossOfSharesIsTheirMean) {
  const auto first_loss = [&](const SoftStore* soft) {
    ThreadPool pool(2);
    const Kernels kernels = kernels_for(best_isa());
    Trainer trainer(family_by_gguf("llama", ""), settings(), store_, pool, kernels, soft);
    return trainer.step();
  };
  const auto half = filled({0.5, 261}, "half"), whole = filled({1, 261}, "whole"), none = filled({0, 1}, "none");
  const double of_text = first_loss(nullptr), of_teacher = first_loss(whole.get());
  EXPECT_NEAR(first_loss(none.get()), of_text, 1e-6);
  EXPECT_GT(std::fabs(of_teacher - of_text), 1e-3);
  EXPECT_NEAR(first_loss(half.get()), (of_text + of_teacher) / 2, 1e-5);
}

TEST_F(Softly, AStudentComesNearItsTeacherAndToTheSameBytes) {
  const auto soft = filled({1, 261}, "whole");
  const Kernels kernels = kernels_for(best_isa());
  const std::int64_t seen = documents_.front();
  const auto teacher = logits(store_.document(seen));
  struct Learnt {
    std::string sum;
    double away = 0;  // nats a token from the teacher's answers
  };
  const auto learn = [&](const SoftStore* from, int steps, unsigned threads, std::int64_t micro) {
    ThreadPool pool(threads);
    TrainSettings s = settings();
    s.steps = 40;
    s.micro_rows = micro;
    Trainer trainer(family_by_gguf("llama", ""), s, store_, pool, kernels, from);
    for (int i = 0; i < steps; ++i) trainer.step();
    Learnt out{weight_sum(trainer)};
    SessionOptions options;
    options.cache = Type::f32;
    Session session(trainer.model(), Runtime{pool, kernels}, options);
    const Session::Part part{0, store_.document(seen), Session::Want::all};
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t i, std::span<const float> l) {
      out.away += divergence(teacher[i], l).kl / static_cast<double>(teacher.size());
    });
    return out;
  };
  const Learnt taught = learn(soft.get(), 40, 1, 0), fresh = learn(nullptr, 0, 1, 0), alone = learn(nullptr, 40, 1, 0);
  EXPECT_LT(taught.away, 0.7 * std::min(fresh.away, alone.away)) << taught.away << " " << fresh.away << " " << alone.away;
  EXPECT_EQ(learn(soft.get(), 40, 3, 5).sum, taught.sum);
}

// A checkpoint of one teacher is none of another's, nor of a run without one.
TEST_F(Softly, ACheckpointKnowsItsTeacher) {
  const auto soft = filled({0.5, 4}, "kept"), other = filled({0.25, 4}, "other");
  ThreadPool pool(1);
  const Kernels kernels = kernels_for(best_isa());
  const auto trainer = [&](const SoftStore* from) {
    return std::make_unique<Trainer>(family_by_gguf("llama", ""), settings(), store_, pool, kernels, from);
  };
  const auto run = trainer(soft.get());
  run->step();
  run->save(scratch_ / "checkpoint");
  EXPECT_NO_THROW(trainer(soft.get())->resume(scratch_ / "checkpoint"));
  EXPECT_THROW(trainer(other.get())->resume(scratch_ / "checkpoint"), Error);
  EXPECT_THROW(trainer(nullptr)->resume(scratch_ / "checkpoint"), Error);
}

}  // namespace

}  // namespace bantam::test
