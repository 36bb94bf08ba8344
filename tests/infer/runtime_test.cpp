// Threads and kernels that are lent: models that share them, and a model that has no file.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "infer/answer.h"
#include "infer/runs.h"
#include "infer/session.h"
#include "models/loader.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using test::Logits, test::run, test::same_bytes, test::some_tokens;

class LentRuntime : public ::testing::Test {
 protected:
  std::shared_ptr<const ModelFile> tiny(std::uint64_t seed) {
    test::TinyModel tiny;
    tiny.seed = seed;
    const Path path = folder_ / (std::to_string(seed) + ".gguf");
    test::write_tiny_gguf(path, tiny);
    return std::make_shared<const ModelFile>(path);
  }
  test::ScratchFolder folder_;
};

TEST_F(LentRuntime, TwoModelsInTwoThreadsShareOnePool) {
  const auto ids = some_tokens(40, 3);
  const std::shared_ptr<const ModelFile> files[] = {tiny(1), tiny(2)};
  Logits expected[2], shared[2];
  for (int i = 0; i < 2; ++i) {
    Session alone(files[i]);
    expected[i] = run(alone, 0, ids, 7);
  }
  OwnRuntime runtime(2);
  Session first(files[0], runtime.lend()), second(files[1], runtime.lend());
  EXPECT_EQ(first.threads(), 2u);
  std::thread other([&] { shared[1] = run(second, 0, ids, 7); });
  shared[0] = run(first, 0, ids, 7);
  other.join();
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(same_bytes(shared[i], expected[i])) << i;
}

TEST_F(LentRuntime, AModelInMemoryAnswersAsItsFileDoes) {
  const auto file = tiny(3);
  const auto ids = some_tokens(20, 5);
  Session of_file(file);
  const Logits expected = run(of_file, 0, ids, 7);
  OwnRuntime runtime(1);
  Arena arena;
  Context context(runtime.lend().pool, runtime.lend().kernels, arena);
  const std::unique_ptr<Model> model = load_model(file, Arithmetic::f32, context.exec);
  Session session(*model, runtime.lend());
  EXPECT_TRUE(same_bytes(run(session, 0, ids, 7), expected));

  AnswerOptions five;
  five.sampling.temperature = 0;
  five.most_tokens = 5;
  Answer answer(test::tiny_tokenizer(), five), same(test::tiny_tokenizer(), five);
  generate(session, 0, ids, answer);
  generate(of_file, 0, ids, same);
  EXPECT_EQ(answer.text(), same.text());
  EXPECT_EQ(answer.ids().size(), same.ids().size());
}

TEST_F(LentRuntime, WeightsThatChangedAreSeen) {
  const auto file = tiny(4), other = tiny(5);
  OwnRuntime runtime(1);
  Arena arena;
  Context context(runtime.lend().pool, runtime.lend().kernels, arena);
  const auto ids = some_tokens(20, 5);
  for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16}) {
    std::unique_ptr<Model> model = file->family().make(file->config());
    const auto give = [&](const ModelFile& from) {
      const std::unique_ptr<Model> loaded =
          load_model(std::make_shared<const ModelFile>(from), Arithmetic::f32, context.exec);
      const auto to = model->weights(), source = loaded->weights();
      for (std::size_t i = 0; i < to.size(); ++i) {
        if (to[i].matrix ? !*to[i].matrix : !*to[i].tensor) to[i].set(Tensor::zeros(to[i].shape));
        std::copy_n(source[i].rows().f32(), to[i].shape.count(), to[i].rows().f32());
        if (to[i].matrix) to[i].matrix->changed();
      }
    };
    give(*file);
    SessionOptions options;
    options.arithmetic = arithmetic;
    Session session(*model, runtime.lend(), options);
    const Logits before = run(session, 0, ids, 7);
    give(*other);
    session.weights_changed();
    EXPECT_TRUE(session.tokens(0).empty());
    Session fresh(*model, runtime.lend(), options);
    const Logits expected = run(fresh, 0, ids, 7);
    EXPECT_TRUE(same_bytes(run(session, 0, ids, 7), expected));
    EXPECT_FALSE(same_bytes(before, expected));
  }
}

TEST_F(LentRuntime, AModelInMemoryHasNoFileToBeToldBy) {
  const auto file = tiny(6);
  OwnRuntime runtime(1);
  const std::unique_ptr<Model> model = file->family().make(file->config());
  SessionOptions int8;
  int8.arithmetic = Arithmetic::int8;
  EXPECT_THROW(Session(*model, runtime.lend(), int8), Error);
  Session session(*model, runtime.lend());
  EXPECT_THROW(session.save(0, folder_ / "x"), Error);
}

}  // namespace
}  // namespace bantam
