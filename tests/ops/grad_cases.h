// The gradient check of every op: its backward against the derivative of a plain reference, taken
// in complex numbers (step 1e-50: no cancellation, so the expected value is exact to double
// precision).
#pragma once

#include <complex>
#include <functional>
#include <string>
#include <vector>

#include "ops/ops.h"

namespace bantam::test {

using Complex = std::complex<double>;
// A dense array of the reference: row-major.
struct Array {
  Shape shape;
  std::vector<Complex> at;
  explicit Array(Shape s = {}) : shape(s), at(static_cast<std::size_t>(s.count())) {}
  Complex& operator()(std::int64_t r, std::int64_t c) {
    return at[static_cast<std::size_t>(r * shape.back() + c)];
  }
  const Complex& operator()(std::int64_t r, std::int64_t c) const {
    return at[static_cast<std::size_t>(r * shape.back() + c)];
  }
};

struct GradCase {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Tensor(Context&, const std::vector<Tensor>&)> call;
  std::function<Array(const std::vector<Array>&)> reference;
  bool root = false;  // a loss: the gradient of its sum
  // For an op that rounds on the way: by element of the result, the magnitudes of all that is
  // rounded before it, summed. Its bound is then what those roundings come to, and the result's.
  std::function<Array(const std::vector<Array>&)> rounded = {};
};

std::vector<GradCase> grad_cases();
std::vector<GradCase> layer_norm_cases();

}  // namespace bantam::test
