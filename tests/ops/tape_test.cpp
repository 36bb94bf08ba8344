// The tape: what it records and what not, seeds, gradients that are kept, blocks that run again.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "ops/ops.h"

namespace bantam::test {
namespace {

constexpr std::int64_t kRows = 6, kWidth = 24;

class Taped : public ::testing::Test {
 protected:
  Taped() : kernels_(kernels_for(best_isa())), ctx_(pool_, kernels_, arena_) { ctx_.tape = &tape_; }

  static Tensor numbers(const Shape& shape, std::uint64_t stream) {
    Tensor t = Tensor::zeros(shape);
    const Random random(3, stream);
    for (std::int64_t i = 0; i < shape.count(); ++i)
      t.f32()[i] = static_cast<float>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
    return t;
  }
  static std::vector<float> list(const Tensor& t) { return {t.f32(), t.f32() + t.shape().count()}; }

  // What a block of a model does, in small: x + glu(norm(x) w^T, x).
  static Tensor block(Context& c, const Tensor& x, const Tensor& gain, const Tensor& w) {
    const Tensor gate = ops::matmul(c, ops::rms_norm(c, x, gain, 1e-5f), w);
    return ops::add(c, x, ops::glu(c, Activation::silu, gate, x));
  }
  // Three of them; the weights of each as they are given.
  Tensor blocks(const Tensor& x, const std::vector<Tensor>& gains, const std::vector<Tensor>& w) {
    Tensor h = x;
    for (std::size_t l = 0; l < w.size(); ++l)
      h = ctx_.block(static_cast<int>(l), h,
                     [gain = gains[l], w = w[l]](Context& c, const Tensor& in) {
                       return block(c, in, gain, w);
                     });
    return h;
  }
  void back(const Tensor& from, const Tensor& gradient) {
    const Tape::Seed seed{from, gradient};
    tape_.backward(ctx_, {&seed, 1});
  }

  ThreadPool pool_{2};
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  Tape tape_;
};

TEST_F(Taped, WhatNeedsNoGradientIsNotRecordedAndTakesNoMemory) {
  const Tensor x = numbers({kRows, kWidth}, 1), gain = numbers({kWidth}, 2);
  const Tensor w = numbers({kWidth, kWidth}, 3);
  const auto used = [&](Tape* tape) {
    arena_.reset();
    ctx_.tape = tape;
    const Tensor y = block(ctx_, x, gain, w);
    EXPECT_LT(y.slot(), 0);
    return arena_.mark().used;
  };
  EXPECT_EQ(used(&tape_), used(nullptr));
  // A block of which nothing is recorded keeps its output alone.
  arena_.reset();
  ctx_.tape = &tape_;
  const Tensor y = blocks(x, {gain, gain, gain}, {w, w, w});
  EXPECT_LT(y.slot(), 0);
  EXPECT_EQ(arena_.mark().used, static_cast<std::size_t>(3 * kRows * kWidth * 4 + 63) / 64 * 64);
}

TEST_F(Taped, ASeedThatNeedsNoGradientIsRefused) {
  const Tensor x = numbers({kRows, kWidth}, 1);
  const Tensor y = ops::scale(ctx_, x, 2);
  EXPECT_THROW(back(y, x), Error);
}

TEST_F(Taped, ASeedHasTheShapeOfItsTensor) {
  const Tensor x = numbers({kRows, kWidth}, 1), dx = Tensor::zeros(x.shape());
  const Tensor y = ops::scale(ctx_, tape_.watch(x, dx), 2);
  EXPECT_THROW(back(y, numbers({kWidth, kRows}, 2)), Error);
}

TEST_F(Taped, SeedsAddUp) {
  const Tensor x = numbers({kRows, kWidth}, 1), dx = Tensor::zeros(x.shape());
  const Tensor inner = ops::scale(ctx_, tape_.watch(x, dx), 2);
  const Tensor outer = ops::scale(ctx_, inner, 3);
  const Tensor a = numbers(x.shape(), 2), b = numbers(x.shape(), 3);
  const std::vector<Tape::Seed> seeds{{inner, a}, {outer, b}, {inner, a}};
  tape_.backward(ctx_, seeds);
  for (std::int64_t i = 0; i < x.shape().count(); ++i)
    EXPECT_NEAR(dx.f32()[i], 4 * a.f32()[i] + 6 * b.f32()[i], 1e-5f);
}

TEST_F(Taped, AGradientThatIsKeptOutlivesItsBlock) {
  const Tensor x = numbers({kRows, kWidth}, 1), seed = numbers(x.shape(), 9);
  const Tensor gain = numbers({kWidth}, 2), w = numbers({kWidth, kWidth}, 3);
  for (const bool again : {false, true}) {
    arena_.reset();
    ctx_.recompute = again;
    Tensor start = x;
    const Tensor d_start = tape_.keep(start);
    Tensor middle = blocks(start, {gain}, {w});
    const Tensor d_middle = tape_.keep(middle);
    const Tensor end = blocks(middle, {gain, gain}, {w, w});
    back(end, seed);
    // Backward from the middle with its gradient gives the gradient of the start.
    const std::vector<float> from_end = list(d_start), kept = list(d_middle);
    EXPECT_NE(kept, list(Tensor::zeros(x.shape())));
    start = x;
    const Tensor alone = tape_.keep(start);
    back(blocks(start, {gain}, {w}), d_middle);
    EXPECT_EQ(list(alone), from_end) << "again: " << again;
  }
}

TEST_F(Taped, AKeptGradientThatNothingReachesIsZero) {
  Tensor x = numbers({kRows, kWidth}, 1), other = numbers(x.shape(), 2);
  const Tensor dx = tape_.keep(x), d_other = tape_.keep(other);
  back(ops::scale(ctx_, x, 2), numbers(x.shape(), 3));
  EXPECT_NE(list(dx), list(Tensor::zeros(x.shape())));
  EXPECT_EQ(list(d_other), list(Tensor::zeros(x.shape())));
}

TEST_F(Taped, BlocksThatRunAgainGiveTheSameBytesWhateverIsFrozen) {
  const Tensor x = numbers({kRows, kWidth}, 1), seed = numbers(x.shape(), 9);
  for (std::size_t trained = 0; trained < 3; ++trained) {
    std::vector<std::vector<float>> results;
    for (const bool again : {false, true}) {
      arena_.reset();
      ctx_.recompute = again;
      Tape tape;
      ctx_.tape = &tape;
      std::vector<Tensor> gains, w;
      for (std::uint64_t l = 0; l < 3; ++l) {
        gains.push_back(numbers({kWidth}, 10 + l));
        w.push_back(numbers({kWidth, kWidth}, 20 + l));
      }
      const Tensor gradient = Tensor::zeros(w[trained].shape());
      w[trained] = tape.watch(w[trained], gradient);
      const Tensor y = blocks(x, gains, w);
      const Tape::Seed at_end{y, seed};
      tape.backward(ctx_, {&at_end, 1});
      results.push_back(list(gradient));
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_NE(results[0], list(Tensor::zeros({kWidth, kWidth})));
  }
}

// A tensor from before the blocks that is used inside one of them: its gradient is not memory of
// that block.
TEST_F(Taped, WhatLiesBeforeABlockKeepsItsGradientWhenTheBlockIsLeft) {
  const Tensor x = numbers({kRows, kWidth}, 1), v = numbers({kRows, kWidth}, 2);
  std::vector<std::vector<float>> results;
  for (const int form : {0, 1, 2}) {  // as one graph; in blocks; in blocks that run again
    arena_.reset();
    ctx_.recompute = form == 2;
    Tape tape;
    ctx_.tape = &tape;
    const Tensor dx = Tensor::zeros(x.shape()), dv = Tensor::zeros(x.shape());
    const Tensor start = ops::scale(ctx_, tape.watch(x, dx), 2);
    const Tensor side = ops::scale(ctx_, tape.watch(v, dv), 3);
    const auto step = [side](Context& c, const Tensor& h) {
      return ops::glu(c, Activation::silu, ops::scale(c, h, 0.5f), side);
    };
    Tensor h = start;
    for (int l = 0; l < 3; ++l) h = form == 0 ? step(ctx_, h) : ctx_.block(l, h, step);
    const Tape::Seed seed{h, numbers(x.shape(), 9)};
    tape.backward(ctx_, {&seed, 1});
    results.push_back(list(dx));
    results.push_back(list(dv));
  }
  EXPECT_EQ(results[0], results[2]);
  EXPECT_EQ(results[1], results[3]);
  EXPECT_EQ(results[0], results[4]);
  EXPECT_EQ(results[1], results[5]);
}

}  // namespace
}  // namespace bantam::test
