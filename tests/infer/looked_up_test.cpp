// Rows of the embedding are copied out of the file when they are wanted: the logits are those of the
// whole table, also after rows were forgotten to make room.
#include "models/looked_up.h"

#include <gtest/gtest.h>

#include <cstring>

#include "infer/session.h"
#include "support/tiny_families.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

TEST(LookedUp, GivesTheRowsOfTheTable) {
  const test::ScratchFolder folder;
  for (const test::TinyFamily& family : test::kTinyFamilies) {
    test::TinyModel tiny;
    tiny.change = family.change;
    tiny.type = Type::q8_0;
    test::write_tiny_gguf(folder / "m.gguf", tiny);
    const auto file = std::make_shared<const ModelFile>(folder / "m.gguf");
    OwnRuntime own(1);
    Arena arena;
    Context ctx(own.lend().pool, own.lend().kernels, arena);
    ctx.arithmetic = Arithmetic::int8;
    const std::unique_ptr<Model> whole = load_model(file, Arithmetic::int8, ctx.exec, 64);
    SessionOptions options;
    options.context = 64;
    options.cache = Type::f32;
    options.positions = 40;  // of 261 rows at most so many stay
    Session session(file, own.lend(), options);
    for (std::int32_t round = 0; round < 6; ++round) {
      Batch batch;
      std::vector<std::int32_t> ids;
      for (std::int32_t i = 0; i < 30; ++i) {
        ids.push_back((round * 41 + i * 7) % 261);
        batch.add(ids.back(), i, i, true);
      }
      std::fill(batch.sequences.begin(), batch.sequences.end(), 0);
      arena.reset();
      const Tensor expected = whole->forward(ctx, batch, nullptr);
      session.trim(0, 0);
      const Session::Part part{0, ids, Session::Want::all};
      std::size_t row = 0;
      session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> logits) {
        EXPECT_EQ(std::memcmp(logits.data(), expected.f32() + row++ * logits.size(),
                              logits.size_bytes()),
                  0)
            << family.name << ", " << round;
      });
      EXPECT_EQ(row, ids.size());
    }
  }
}

TEST(LookedUp, TakesLittle) {
  const Shape gemma{262144, 640};
  const std::int64_t some = looked_up_bytes(gemma, Type::q8_0, 8192, 512);
  EXPECT_LT(some, 4 << 20);
  EXPECT_GT(some, 512 * 680);
  EXPECT_EQ(looked_up_bytes({16, 64}, Type::f32, 8192, 512), 16 * 64 * 4);  // all of it, no more
  // A head that is multiplied where it lies has the rows in memory anyway.
  const std::unique_ptr<Model> model = family_by_gguf("llama", "").make([] {
    test::TinyModel tiny;
    tiny.tied = true;
    return test::tiny_config(tiny);
  }());
  const std::vector<WeightSpec> weights = model->weights();
  const auto as = [&](Type type, Arithmetic arithmetic) {
    return only_looked_up(weights.front(), weights, [type](const WeightSpec&) { return type; },
                          arithmetic);
  };
  ASSERT_EQ(weights.front().role, Role::embedding);
  EXPECT_TRUE(as(Type::q8_0, Arithmetic::int8));
  EXPECT_TRUE(as(Type::f16, Arithmetic::bf16));
  EXPECT_FALSE(as(Type::f16, Arithmetic::f32));
}

}  // namespace
}  // namespace bantam
