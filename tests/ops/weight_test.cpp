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
