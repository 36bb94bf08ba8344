// Divergences by hand, and of a model from itself.
#include "plan/quality.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

TEST(Divergence, IsThatOfTheTwoDistributions) {
  TextDivergence d;
  EXPECT_EQ(d.mean(), 0);
  EXPECT_EQ(d.percentile(0.99), 0);
  const auto log = [](double p) { return static_cast<float>(std::log(p)); };
  const std::vector<float> half{log(0.5) + 3, log(0.5) + 3}, third{log(0.25), log(0.75)};
  d.add(half, half);
  EXPECT_EQ(d.mean(), 0);
  d.add(half, third);
  const double expected = 0.5 * std::log(0.5 / 0.25) + 0.5 * std::log(0.5 / 0.75);
  EXPECT_NEAR(d.most(), expected, 1e-7);
  EXPECT_NEAR(d.mean(), expected / 2, 1e-7);
  EXPECT_EQ(d.percentile(0.5), 0);
  EXPECT_EQ(d.positions(), 2);
  EXPECT_EQ(d.same_top(), 0.5);
  // A token that cannot come weighs nothing.
  TextDivergence never;
  never.add(std::vector<float>{0, -INFINITY}, std::vector<float>{0, -INFINITY});
  EXPECT_EQ(never.mean(), 0);
}

TEST(Quality, OfAModelAgainstItselfIsWhatTheCacheRounds) {
  const test::ScratchFolder folder;
  test::TinyModel tiny;
  test::write_tiny_gguf(folder / "f32.gguf", tiny);
  tiny.type = Type::q8_0;
  test::write_tiny_gguf(folder / "q8.gguf", tiny);
  const auto exact = std::make_shared<const ModelFile>(folder / "f32.gguf");
  const auto blocks = std::make_shared<const ModelFile>(folder / "q8.gguf");
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(i * 37 % 256);
  QualityOptions options;
  options.session.threads = 1;
  options.caches = {Type::f32, Type::f16, Type::bf16};
  const auto rows = measure_quality(exact, exact, ids, options);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].divergence.mean(), 0);
  EXPECT_EQ(rows[0].divergence.positions(), 60);
  EXPECT_GT(rows[1].divergence.mean(), 0);
  EXPECT_GT(rows[2].divergence.mean(), rows[1].divergence.mean());
  // Two layers, keys and values, two heads of 16.
  EXPECT_EQ(rows[0].cache_bytes_per_token, 2 * 2 * 2 * 16 * 4);
  options.caches = {Type::f32};
  EXPECT_GT(measure_quality(blocks, exact, ids, options)[0].divergence.mean(),
            rows[1].divergence.mean());
}

}  // namespace
}  // namespace bantam
