// Every op's backward agrees with the derivative of its plain reference.
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
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

class GradCheck : public ::testing::TestWithParam<Isa> {};

// The op's result times fixed numbers, summed: a function of one number for each element. Its
// gradient is what backward gives for dy = those numbers.
void check(const GradCase& grad_case, const Kernels& kernels) {
  SCOPED_TRACE(grad_case.name);
  ThreadPool pool(2);
  Arena arena;
  Context ctx(pool, kernels, arena);
  Tape tape;
  ctx.tape = &tape;
  std::vector<Tensor> inputs, gradients;
  std::vector<Array> arrays;
  for (const Shape& shape : grad_case.inputs) {
    const Tensor value = random_tensor(shape, inputs.size());
    arrays.push_back(array_of(value));
    gradients.push_back(Tensor::zeros(shape));
    inputs.push_back(tape.watch(value, gradients.back()));
  }
  Tensor y = grad_case.call(ctx, inputs);
  const Array expected = grad_case.reference(arrays);
  ASSERT_EQ(y.shape(), expected.shape);
  Tensor dy = random_tensor(y.shape(), 100);
  double size = 0;
  for (std::int64_t i = 0; i < y.shape().count(); ++i) {
    const double want = expected.at[static_cast<std::size_t>(i)].real();
    // Sums of some tens of terms below 1, each rounded to 2^-24.
    EXPECT_NEAR(static_cast<double>(y.f32()[i]), want, 4e-6 * (1 + std::fabs(want)))
        << "element " << i;
    size += std::fabs(want);
  }
  ASSERT_GT(size, 0);
  if (!grad_case.root)
    // A root that hands dy on: the gradient of sum(dy * y).
    tape.record(
        dy,
        [y, dy](Context& c, const Tensor&, Grads& d) {
          c.kernels().convert({dy.view(), d[y]}, 0, y.rows());
        },
        true);
  tape.backward(ctx);
  for (std::size_t input = 0; input < inputs.size(); ++input)
    for (std::size_t i = 0; i < arrays[input].at.size(); ++i) {
      std::vector<Array> moved = arrays;
      moved[input].at[i] += Complex(0, kStep);
      const Array out = grad_case.reference(moved);
      double want = 0;
      for (std::size_t o = 0; o < out.at.size(); ++o)
        want +=
            out.at[o].imag() / kStep * (grad_case.root ? 1.0 : static_cast<double>(dy.f32()[o]));
      ASSERT_NEAR(static_cast<double>(gradients[input].f32()[i]), want,
                  6e-6 * (1 + std::fabs(want)))
          << "input " << input << ", element " << i;
    }
}

TEST_P(GradCheck, EveryOpAgreesWithTheDerivativeOfItsReference) {
  if (!isa_available(GetParam())) GTEST_SKIP() << "this machine has no " << isa_name(GetParam());
  const Kernels kernels = kernels_for(GetParam());
  for (const GradCase& grad_case : grad_cases()) check(grad_case, kernels);
  for (const GradCase& grad_case : layer_norm_cases()) check(grad_case, kernels);
}

INSTANTIATE_TEST_SUITE_P(Isas, GradCheck,
                         ::testing::Values(Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx),
                         [](const auto& p) { return std::string(isa_name(p.param)); });

}  // namespace

}  // namespace bantam::test
