// A row over many keys is shared by threads in parts: whole heads, and columns of those left over.
#include <gtest/gtest.h>

#include <cstring>

#include "base/random.h"
#include "ops/ops.h"

namespace bantam::test {
namespace {

Tensor numbers(const Shape& shape, std::uint64_t stream) {
  Tensor t = Tensor::zeros(shape);
  const Random random(5, stream);
  for (std::int64_t i = 0; i < shape.count(); ++i)
    t.f32()[i] = static_cast<float>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
  return t;
}

TEST(AttentionThreads, EveryNumberOfThemGivesTheBytesOfOne) {
  struct Case {
    std::int64_t heads, kv_heads, head_dim;
  };
  const Kernels kernels = kernels_for(best_isa());
  for (const Case& c : {Case{9, 3, 64}, Case{4, 1, 256}, Case{5, 5, 96}, Case{14, 7, 128}}) {
    const ops::AttentionShape shape{c.heads, c.kv_heads, c.head_dim, 0.125f};
    const std::int64_t keys = (std::int64_t{1} << 19) / (c.heads * c.head_dim) + 3;
    const Tensor q = numbers({1, c.heads * c.head_dim}, 1);
    const Tensor k = numbers({c.kv_heads, keys, c.head_dim}, 2), v = numbers({c.kv_heads, keys, c.head_dim}, 3);
    const KeyValues stored{k.view().data, v.view().data, Type::f32, c.head_dim, keys * c.head_dim};
    ops::AttentionRows rows;
    rows.first = {0};
    rows.count = {static_cast<std::int32_t>(keys)};
    const auto out = [&](unsigned threads) {
      ThreadPool pool(threads);
      Arena arena;
      Context ctx(pool, kernels, arena);
      const Tensor y = ops::attention(ctx, q, stored, shape, rows);
      return std::vector<float>(y.f32(), y.f32() + c.heads * c.head_dim);
    };
    const std::vector<float> expected = out(1);
    for (const unsigned threads : {2u, 3u, 4u, 5u, 8u}) {
      const std::vector<float> got = out(threads);
      EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0)
          << c.kv_heads << " heads, " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace bantam::test
