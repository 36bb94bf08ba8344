// Every op's backward agrees with the derivative of its plain reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/random.h"
#include "blocks/format.h"
#include "ops/grad_cases.h"

namespace bantam::test {

namespace {

constexpr double kStep = 1e-50;

Tensor random_tensor(const Shape& shape, std::uint64_t stream) {
  Tensor t = Tensor::zeros(shape);
  const Random random(11, stream);
  for (std::int64_t i = 0; i < shape.count(); ++i)
    t.f32()[i] = static_cast<float>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
  return t;
}

Array array_of(const Tensor& t) {
  Array a(t.shape());
  for (std::size_t i = 0; i < a.at.size(); ++i) a.at[i] = static_cast<double>(t.f32()[i]);
  return a;
}

struct Precision {
  Arithmetic arithmetic;
  Type activation;
  // Of a result, to the size of what it is summed of: rounding in f32 is 2^-24 a term, of some tens
  // of terms below 1. In bf16 what an op reads is exact here; results, dy and what lies between
  // (the outputs that attention reads again, the logits' gradient) are rounded by 2^-8 of the
  // largest.
  double values, gradients;
};
constexpr Precision kFloat{Arithmetic::f32, Type::f32, 4e-6, 6e-6};
constexpr Precision kBfloat{Arithmetic::bf16, Type::bf16, 1.0 / 256, 2.0 / 256};

void round_to_bf16(Tensor& t) {
  const std::int64_t count = t.shape().count();
  std::vector<std::byte> bytes(static_cast<std::size_t>(2 * count));
  format(Type::bf16).encode(t.f32(), bytes.data(), count);
  format(Type::bf16).decode(bytes.data(), t.f32(), count);
}

double number(const Tensor& t, std::int64_t i) {
  float value = 0;
  format(t.type()).decode(t.view().data + format(t.type()).bytes(i), &value, 1);
  return static_cast<double>(value);
}

// What every element of the result times its dy gives in sum has, by each element of the inputs,
// the slope that backward finds. Inputs are watched, or but for one not.
class Check {
 public:
  Check(const GradCase& grad_case, const Kernels& kernels, const Precision& precision)
      : case_(grad_case), precision_(precision), pool_(2), ctx_(pool_, kernels, arena_) {
    ctx_.arithmetic = precision.arithmetic;
    ctx_.activation = precision.activation;
    for (const Shape& shape : case_.inputs) {
      values_.push_back(random_tensor(shape, values_.size()));
      if (precision.activation == Type::bf16) round_to_bf16(values_.back());
      arrays_.push_back(array_of(values_.back()));
    }
    expected_ = case_.reference(arrays_);
    dy_ = random_tensor(expected_.shape, 100);
    if (precision.activation == Type::bf16) round_to_bf16(dy_);
    for (std::size_t input = 0; input < values_.size(); ++input) slopes_.push_back(slopes(input));
  }

  // `only`: the one input that is watched; or all.
  void run(std::optional<std::size_t> only, bool seeded) {
    Tape tape;
    tape.expect_seeds(seeded);
    ctx_.tape = &tape;
    std::vector<Tensor> inputs, gradients;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      gradients.push_back(Tensor::zeros(values_[i].shape()));
      inputs.push_back(only.value_or(i) == i ? tape.watch(values_[i], gradients[i]) : values_[i]);
    }
    const Tensor y = case_.call(ctx_, inputs);
    ASSERT_EQ(y.shape(), expected_.shape);
    compare_values(y);
    const Tape::Seed seed{y, dy_};
    tape.backward(ctx_, seeded ? std::span(&seed, 1) : std::span<const Tape::Seed>());
    ctx_.tape = nullptr;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (only.value_or(i) == i) compare_gradients(i, gradients[i], seeded);
  }

  std::size_t inputs() const { return values_.size(); }

 private:
  struct Slopes {
    std::vector<double> of_ones, of_dy;
  };
  Slopes slopes(std::size_t input) const {
    Slopes slopes;
    for (std::size_t i = 0; i < arrays_[input].at.size(); ++i) {
      std::vector<Array> moved = arrays_;
      moved[input].at[i] += Complex(0, kStep);
      const Array out = case_.reference(moved);
      double ones = 0, seeded = 0;
      for (std::size_t o = 0; o < out.at.size(); ++o) {
        ones += out.at[o].imag() / kStep;
        seeded += out.at[o].imag() / kStep * static_cast<double>(dy_.f32()[o]);
      }
      slopes.of_ones.push_back(ones);
      slopes.of_dy.push_back(seeded);
    }
    return slopes;
  }

  // Of numbers of this size in sum, each rounded once: half a unit in the last place each (bf16 has 8
  // bits: 2^-9), the products of two such errors, and the sums in f32.
  double bound(double size) const {
    return precision_.values / 2 * size * (1 + precision_.values) + kFloat.values;
  }

  void compare_values(const Tensor& y) const {
    double size = 0;
    const Array rounded = case_.rounded ? case_.rounded(arrays_) : Array();
    for (std::size_t i = 0; i < expected_.at.size(); ++i) {
      const double want = expected_.at[i].real();
      EXPECT_NEAR(number(y, static_cast<std::int64_t>(i)), want,
                  case_.rounded ? bound(std::fabs(want) + rounded.at[i].real())
                                : precision_.values * (1 + std::fabs(want)))
          << "element " << i;
      size += std::fabs(want);
    }
    ASSERT_GT(size, 0);
  }

  void compare_gradients(std::size_t input, const Tensor& gradient, bool seeded) const {
    const std::vector<double>& want = seeded ? slopes_[input].of_dy : slopes_[input].of_ones;
    double largest = 1;
    if (precision_.activation == Type::bf16)
      for (const double w : want) largest = std::max(largest, std::fabs(w));
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(static_cast<double>(gradient.f32()[i]), want[i],
                  precision_.gradients * (largest + std::fabs(want[i])))
          << "input " << input << ", element " << i;
  }

  const GradCase& case_;
  Precision precision_;
  ThreadPool pool_;
  Arena arena_;
  Context ctx_;
  std::vector<Tensor> values_;
  std::vector<Array> arrays_;
  Array expected_;
  Tensor dy_;
  std::vector<Slopes> slopes_;
};

std::vector<GradCase> all_cases() {
  std::vector<GradCase> all = grad_cases();
  for (GradCase& more : layer_norm_cases()) all.push_back(std::move(more));
  return all;
}

class GradCheck : public ::testing::TestWithParam<Isa> {
 protected:
  void check_all(const Precision& precision) {
    if (!isa_available(GetParam())) GTEST_SKIP() << "this machine has no " << isa_name(GetParam());
    const Kernels kernels = kernels_for(GetParam());
    for (const GradCase& grad_case : all_cases()) {
      SCOPED_TRACE(grad_case.name);
      Check check(grad_case, kernels, precision);
      if (grad_case.root) check.run({}, false);
      check.run({}, true);
      for (std::size_t only = 0; check.inputs() > 1 && only < check.inputs(); ++only)
        check.run(only, true);
    }
  }
};

TEST_P(GradCheck, EveryOpAgreesWithTheDerivativeOfItsReference) { check_all(kFloat); }
TEST_P(GradCheck, AlsoInBfloat16) { check_all(kBfloat); }

INSTANTIATE_TEST_SUITE_P(Isas, GradCheck,
                         ::testing::Values(Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx,
                                           Isa::neon),
                         [](const auto& p) { return std::string(isa_name(p.param)); });

}  // namespace

}  // namespace bantam::test
