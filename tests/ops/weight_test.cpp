// A weight gives the same products in whatever form it is kept, forwards and for gradients, as the
// dense matrix of the numbers that it stands for.
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/random.h"
#include "blocks/format.h"
#include "tensor/context.h"

namespace bantam::test {
namespace {

constexpr std::int64_t kRows = 7, kOutputs = 83;

class Weights : public ::testing::TestWithParam<Type> {
 protected:
  Weights() : pool_(2), kernels_(kernels_for(best_isa())), ctx_(pool_, kernels_, arena_) {
    const Format& f = format(GetParam());
    inputs_ = f.block > 32 ? 3 * f.block : 544;
    const Tensor numbers = random({kOutputs, inputs_}, 1);
    rows_ = Tensor::zeros({kOutputs, inputs_}, f.type);
    f.encode(numbers.f32(), rows_.view().data, kOutputs * inputs_);
    dense_ = Tensor::zeros({kOutputs, inputs_});
    f.decode(rows_.view().data, dense_.f32(), kOutputs * inputs_);
    x_ = random({kRows, inputs_}, 2);
    dy_ = random({kRows, kOutputs}, 3);
  }
  static Tensor random(const Shape& shape, std::uint64_t seed) {
    Tensor t = Tensor::zeros(shape);
    const Random random(seed, 0);
    for (std::int64_t i = 0; i < shape.count(); ++i)
      t.f32()[i] = static_cast<float>(random.uniform(static_cast<std::uint64_t>(i)) - 0.5);
    return t;
  }
  Tensor forward(const Weight& w, Arithmetic arithmetic) {
    ctx_.arithmetic = arithmetic;
    Tensor y = Tensor::zeros({kRows, kOutputs});
    w.multiply(ctx_, x_, nullptr, {y.view(), false});
    return y;
  }
  Tensor back(const Weight& w, Arithmetic arithmetic) {
    ctx_.arithmetic = arithmetic;
    Tensor dx = Tensor::zeros({kRows, inputs_});
    w.multiply_transposed(ctx_, dy_, {dx.view(), false});
    return dx;
  }
  Weight prepared(Arithmetic arithmetic) {
    Weight w(rows_);
    w.prepare(ctx_.exec, arithmetic, memory_);
    return w;
  }
  static void expect_same(const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.shape(), b.shape());
    EXPECT_EQ(std::memcmp(a.f32(), b.f32(), static_cast<std::size_t>(a.shape().count()) * 4), 0);
  }

  ThreadPool pool_;
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  MemoryBlocks memory_;
  std::int64_t inputs_ = 0;
  Tensor rows_, dense_, x_, dy_;
};

TEST_P(Weights, ProductsAreThoseOfTheDenseMatrix) {
  for (const Arithmetic a : {Arithmetic::f32, Arithmetic::bf16}) {
    expect_same(forward(rows_, a), forward(dense_, a));
    expect_same(back(rows_, a), back(dense_, a));
  }
}

TEST_P(Weights, WhatIsPreparedForOneArithmeticServesTheOthers) {
  const bool blocks = format(GetParam()).block > 1;
  for (const Arithmetic own :
       {Arithmetic::f32, Arithmetic::int8, Arithmetic::faithful, Arithmetic::bf16}) {
    const Weight w = prepared(own);
    if (blocks) {
      EXPECT_THROW(w.rows(), Error);
    }
    if (own != Arithmetic::f32) expect_same(forward(w, own), forward(rows_, own));
    expect_same(forward(w, Arithmetic::bf16), forward(dense_, Arithmetic::bf16));
    expect_same(back(w, Arithmetic::bf16), back(dense_, Arithmetic::bf16));
    if (own == Arithmetic::bf16) {  // rounded: what they were is gone
      EXPECT_THROW(forward(w, Arithmetic::f32), Error);
      EXPECT_THROW(back(w, Arithmetic::f32), Error);
    } else {
      expect_same(forward(w, Arithmetic::f32), forward(dense_, Arithmetic::f32));
      expect_same(back(w, Arithmetic::f32), back(dense_, Arithmetic::f32));
    }
  }
}

TEST_P(Weights, FormsFollowTheRows) {
  const Weight w(dense_);
  forward(w, Arithmetic::bf16);
  back(w, Arithmetic::bf16);
  for (std::int64_t i = 0; i < dense_.shape().count(); ++i) dense_.f32()[i] *= -3;
  w.changed();
  expect_same(forward(w, Arithmetic::bf16), forward(Weight(dense_), Arithmetic::bf16));
  expect_same(back(w, Arithmetic::bf16), back(Weight(dense_), Arithmetic::bf16));
}

// Several adapters on rows of one pass: the bytes that each gives by itself, whatever rows it has, narrow
// or wide, and whether its form lies with others or not.
TEST(LowRank, AsOnePieceOfWorkTheBytesAreThoseOfEachByItself) {
  const auto random = [](const Shape& shape, std::uint64_t seed) {
    Tensor t = Tensor::zeros(shape);
    for (std::int64_t i = 0; i < shape.count(); ++i)
      t.f32()[i] = static_cast<float>(Random(seed, 0).uniform(static_cast<std::uint64_t>(i)) - 0.5);
    return t;
  };
  constexpr std::int64_t kInputs = 83;
  for (const Isa isa : {Isa::scalar, best_isa()}) {
    ThreadPool pool(3);
    const Kernels kernels = kernels_for(isa);
    Arena arena;
    Context ctx(pool, kernels, arena);
    MemoryBlocks memory;
    for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::int8, Arithmetic::bf16}) {
      ctx.arithmetic = arithmetic;
      struct Case {
        std::int64_t rows, rank, outputs;
      };
      std::vector<Tensor> x, y, expected;
      std::vector<Weight> a, b;
      for (const auto& [rows, rank, outputs] :
           {Case{1, 1, 64}, {1, 16, 130}, {24, 32, 7}, {25, 33, 65}, {61, 5, 200}}) {
        const auto seed = static_cast<std::uint64_t>(rows * 1000 + rank);
        x.push_back(random({rows, kInputs}, seed));
        a.emplace_back(random({rank, kInputs}, seed + 1));
        b.emplace_back(random({outputs, rank}, seed + 2));
        y.push_back(random({rows, outputs}, seed + 3));
        expected.push_back(random({rows, outputs}, seed + 3));
        const Tensor u = Tensor::zeros({rows, rank});
        a.back().multiply(ctx, x.back(), nullptr, {u.view(), false});
        for (std::int64_t i = 0; i < u.shape().count(); ++i) u.f32()[i] *= 0.75f;
        b.back().multiply(ctx, u, nullptr, {expected.back().view(), true});
        if (rank % 2 == 0) b.back().prepare_low_rank(memory);
      }
      std::vector<Weight::LowRankPart> parts;
      for (std::size_t i = 0; i < x.size(); ++i) parts.push_back({x[i], a[i], b[i], 0.75f, y[i]});
      Weight::add_low_rank(ctx, parts);
      for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_EQ(std::memcmp(y[i].f32(), expected[i].f32(),
                              static_cast<std::size_t>(y[i].shape().count()) * 4),
                  0)
            << "part " << i << " in arithmetic " << static_cast<int>(arithmetic);
    }
  }
}

std::vector<Type> types() {
  std::vector<Type> all;
  for (const Format& f : formats())
    if (f.encode) all.push_back(f.type);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Types, Weights, ::testing::ValuesIn(types()), [](const auto& type) {
  return std::string(format(type.param).name);
});

}  // namespace
}  // namespace bantam::test
