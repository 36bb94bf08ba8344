// A cache of blocks: the same bytes however a sequence is run, near to what a cache of floats
// gives.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "infer/runs.h"
#include "infer/session.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using test::Logits, test::run, test::same_bytes, test::some_tokens;

class BlockCache : public ::testing::TestWithParam<Type> {};

TEST_P(BlockCache, GivesTheSameBytesForChunksAndThreads) {
  const test::ScratchFolder folder;
  test::TinyModel tiny;
  tiny.heads = 2;  // of width 32
  tiny.kv_heads = 1;
  test::write_tiny_gguf(folder / "model.gguf", tiny);
  const auto file = std::make_shared<const ModelFile>(folder / "model.gguf");
  const std::vector<std::int32_t> ids = some_tokens(45, 11);
  SessionOptions options;
  options.threads = 1;
  Session floats(file, options);
  const Logits near = run(floats, 0, ids, ids.size());
  options.cache = GetParam();
  Session whole(file, options);
  EXPECT_EQ(whole.cache_type(), GetParam());
  const Logits expected = run(whole, 0, ids, ids.size());
  for (const std::int64_t chunk : {1, 7}) {
    options.chunk = chunk;
    options.threads = 2;
    Session session(file, options);
    EXPECT_TRUE(same_bytes(run(session, 0, ids, ids.size()), expected)) << chunk;
  }
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (std::size_t j = 0; j < expected[i].size(); ++j) {
      largest = std::max(largest, std::fabs(static_cast<double>(near[i][j])));
      worst = std::max(worst, std::fabs(static_cast<double>(expected[i][j] - near[i][j])));
    }
  EXPECT_GT(worst, 0);
  EXPECT_LT(worst, (GetParam() == Type::q8_0 ? 0.05 : 0.8) * largest);
}

TEST_P(BlockCache, WantsHeadsOfWholeBlocks) {
  const test::ScratchFolder folder;
  test::write_tiny_gguf(folder / "model.gguf");  // heads of 16
  SessionOptions options;
  options.cache = GetParam();
  const auto file = std::make_shared<const ModelFile>(folder / "model.gguf");
  EXPECT_THROW(Session(file, options), Error);
}

INSTANTIATE_TEST_SUITE_P(Types, BlockCache, ::testing::Values(Type::q8_0, Type::q4_0));

}  // namespace
}  // namespace bantam
