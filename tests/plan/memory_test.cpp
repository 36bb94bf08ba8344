// Memory is foretold by the program itself, and kept to.
#include "plan/memory.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/memory_size.h"
#include "plan/choice.h"
#include "plan/speed.h"
#include "support/tiny_model.h"
#include "tensor/runtime.h"

namespace bantam {
namespace {

using test::ScratchFolder, test::TinyModel, test::write_tiny_gguf;

// What a real pass takes of its arena, the plan has counted; the rest is tables and scores.
TEST(MemoryPlan, CountsWhatAPassTakes) {
  const ScratchFolder folder;
  const Path path = folder / "model.gguf";
  write_tiny_gguf(path);
  const auto file = std::make_shared<const ModelFile>(path);
  SessionOptions options;
  options.threads = 1;
  options.positions = 100;
  options.chunk = 40;
  const RunShape shape = run_shape(*file, options);
  const MemoryParts parts = plan_memory(shape);

  OwnRuntime own(1);
  Arena arena;
  Context ctx(own.lend().pool, own.lend().kernels, arena);
  const std::unique_ptr<Model> model = load_model(file, Arithmetic::f32, ctx.exec);
  Cache cache(cache_shape_of(shape));
  Batch batch;
  for (std::int32_t i = 0; i < 40; ++i) batch.add(1, i, 0, i == 39);
  model->forward(ctx, batch, &cache);
  const std::int64_t rope = 128 * 16 * 4;  // 100 positions in tables of 128
  const auto scores = static_cast<std::size_t>(4 * attention_scratch(100, 0, 16));
  EXPECT_EQ(parts.scratch,
            static_cast<std::int64_t>(allocated_size(arena.peak()) + allocated_size(0) +
                                      allocated_size(scores)) +
                rope);
  EXPECT_EQ(parts.cache, cache_shape_of(shape).bytes());
  EXPECT_EQ(parts.total(), parts.weights + parts.cache + parts.scratch);
  // Layers of one kind take the same memory one after the other.
  TinyModel deep;
  deep.layers = 7;
  write_tiny_gguf(path, deep);
  EXPECT_EQ(plan_memory(run_shape(ModelFile(path), options)).scratch, parts.scratch);
}

TEST(MemoryPlan, IsKeptTo) {
  const ScratchFolder folder;
  const Path path = folder / "model.gguf";
  TinyModel tiny;
  tiny.context = 1'000'000;  // 256 MB of keys and values, 96 MB of tables and scores
  write_tiny_gguf(path, tiny);
  const ModelFile file(path);
  SessionOptions options;
  options.threads = 1;
  const RunShape shape = run_shape(file, options);
  const MemoryParts parts = plan_memory(shape);
  const std::int64_t program = program_bytes(), all = program + parts.total();
  EXPECT_EQ(largest_context(shape, program, all), tiny.context);
  EXPECT_EQ(largest_context(shape, program, program), 0);
  const std::int64_t some = largest_context(shape, program, all - parts.cache / 2);
  EXPECT_GT(some, tiny.context / 10);
  EXPECT_LT(some, tiny.context);

  SessionOptions kept = options;
  EXPECT_EQ(keep_to_memory(file, kept, all + (16 << 20)), tiny.context);
  EXPECT_EQ(kept.positions, 0);  // nothing to be shortened
  EXPECT_THROW(keep_to_memory(file, kept, program / 2), Error);
  const std::int64_t fits = keep_to_memory(file, kept, all - parts.cache / 2);
  EXPECT_EQ(kept.positions, fits);
  EXPECT_EQ(kept.context, 0);  // answers may depend on it: it stays as it was trained
  EXPECT_LT(fits, tiny.context);
  try {
    kept = options;
    kept.context = tiny.context;
    keep_to_memory(file, kept, all - parts.cache / 2);
    FAIL() << "a context that was asked for is not shortened in silence";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--ctx"), std::string::npos) << error.what();
  }
}

// What a server gives its conversations where nobody says how long they may be.
TEST(MemoryPlan, CountsTheCachesOfADraft) {
  const ScratchFolder folder;
  TinyModel tiny;
  tiny.context = 1'000'000;
  write_tiny_gguf(folder / "model.gguf", tiny);
  tiny.context = 1000;
  tiny.layers = 1;
  write_tiny_gguf(folder / "draft.gguf", tiny);
  SessionOptions options;
  options.slots = 4;
  RunShape model = run_shape(ModelFile(folder / "model.gguf"), options);
  options.slots = 3;
  RunShape draft = run_shape(ModelFile(folder / "draft.gguf"), options);
  // Keys and values of a position: 2 heads of 16 numbers of 2 bytes each, in a layer and a slot.
  constexpr std::int64_t kHere = 4 * 2 * 2 * 2 * 16 * 2, kThere = 3 * 1 * 2 * 2 * 16 * 2;
  EXPECT_EQ(positions_cached(model, 10'000 * kHere), 10'000);
  EXPECT_EQ(positions_cached(model, 10'001 * kHere - 1), 10'000);
  EXPECT_EQ(positions_cached(model, 500 * (kHere + kThere), &draft), 500);
  EXPECT_EQ(positions_cached(model, 501 * (kHere + kThere) - 1, &draft), 500);
  // The draft ends where its own context does.
  EXPECT_EQ(positions_cached(model, 5000 * kHere + 1000 * kThere, &draft), 5000);
  EXPECT_EQ(positions_cached(model, std::int64_t{1} << 50, &draft), 1'000'000);
  EXPECT_EQ(positions_cached(model, 0, &draft), 0);
}

TEST(SpeedPlan, OfADeviceIsItsLimitsByTheWork) {
  const ScratchFolder folder;
  const Path path = folder / "model.gguf";
  TinyModel tiny;
  tiny.type = Type::q8_0;
  write_tiny_gguf(path, tiny);
  const ModelCosts costs = costs_of(run_shape(ModelFile(path), {}));
  const Device device{"d", "", 2, 1e9, 2e12, 1e12, 1e8, 1 << 30};
  const SpeedPlan plan = reckon_speed(device, costs, 100);
  const auto weights = static_cast<double>(costs.work.weight_bytes);
  EXPECT_DOUBLE_EQ(plan.decode_per_s,
                   kDecodeShare * 1e9 / (weights + static_cast<double>(costs.cache_row_bytes)));
  EXPECT_DOUBLE_EQ(plan.load_s, weights / 1e8);
  EXPECT_DOUBLE_EQ(plan.first_token_s,
                   std::max(costs.work.prompt_operations(100) / (kPrefillShare * 2e12),
                            weights / (kDecodeShare * 1e9)));
}

TEST(SpeedPlan, IsMeasuredOnSomeLayers) {
  const ScratchFolder folder;
  const Path path = folder / "model.gguf";
  TinyModel tiny;
  tiny.layers = 4;
  write_tiny_gguf(path, tiny);
  SessionOptions options;
  options.threads = 1;
  const auto file = std::make_shared<const ModelFile>(path);
  EXPECT_EQ(file->part(2)->config().layers, 2);
  EXPECT_FALSE(file->part(2)->whole());
  for (const std::int64_t sample : {1 << 30, 1}) {  // all of it; a single layer
    const SpeedPlan plan = measure_speed(file, options, 16, sample);
    EXPECT_EQ(plan.prompt, 16);
    EXPECT_GT(plan.decode_per_s, 0);
    EXPECT_GT(plan.prefill_per_s, 0);
    EXPECT_GT(plan.load_s, 0);
  }
  EXPECT_GT(measure_speed(file->config(), all_of(Type::q8_0), options, 16).decode_per_s, 0);
}

TEST(ModelChoice, KeepsWithinItsLimits) {
  const Device* device = find_device("4gb");
  ASSERT_NE(device, nullptr);
  std::vector<Storing> types;
  for (const Type type : {Type::q4_0, Type::f16, Type::q8_0})
    types.push_back(
        {std::string(format(type).name), [type](const Config&) { return all_of(type); }});
  ChoiceLimits limits{10, std::int64_t{2} << 30, 2048};
  const std::vector<ModelChoice> all = choose_model(*device, limits, types, {});
  ASSERT_FALSE(all.empty());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_GE(all[i].speed.decode_per_s, 10);
    EXPECT_LE(all[i].memory.total(), limits.memory);
    if (i > 0) {
      EXPECT_LT(parameters_of(config_of(*all[i].shape)),
                parameters_of(config_of(*all[i - 1].shape)));
    }
  }
  // More memory and less speed allow a larger one; nothing fits into nothing.
  limits = {1, std::int64_t{16} << 30, 2048};
  EXPECT_GT(parameters_of(config_of(*choose_model(*device, limits, types, {})[0].shape)),
            parameters_of(config_of(*all[0].shape)));
  // With all the memory there is, the way of most bits, whatever the order in which they came.
  limits = {0, std::int64_t{1} << 40, 2048};
  EXPECT_EQ(choose_model(*device, limits, types, {})[0].type, "f16");
  limits.memory = 1 << 20;
  EXPECT_TRUE(choose_model(*device, limits, types, {}).empty());
}

}  // namespace
}  // namespace bantam
