// Gradient cases of LayerNorm, of activations without a gate, and of a head with a bias.
#include <cmath>
#include <numbers>

#include "ops/grad_cases.h"

namespace bantam::test {

namespace {

// Each head of a row by itself; gains [heads, width], bias [heads * width] or null.
Array layer_norm(const Array& x, const std::vector<Array>& gains, const Array* bias, double eps) {
  Array y(x.shape);
  const auto heads = static_cast<std::int64_t>(gains.size());
  const std::int64_t width = x.shape[1] / heads;
  const auto count = static_cast<double>(width);
  for (std::int64_t t = 0; t < x.shape[0]; ++t)
    for (std::int64_t h = 0; h < heads; ++h) {
      const std::int64_t first = h * width;
      Complex mean = 0, variance = 0;
      for (std::int64_t d = 0; d < width; ++d) mean += x(t, first + d) / count;
      for (std::int64_t d = 0; d < width; ++d)
        variance += (x(t, first + d) - mean) * (x(t, first + d) - mean) / count;
      for (std::int64_t d = 0; d < width; ++d) {
        const auto i = static_cast<std::size_t>(d);
        y(t, first + d) = (x(t, first + d) - mean) / std::sqrt(variance + eps) *
                          gains[static_cast<std::size_t>(h)].at[i];
        if (bias) y(t, first + d) += bias->at[static_cast<std::size_t>(first + d)];
      }
    }
  return y;
}

// Without abs and branches on anything but the real part, so that the complex step holds.
Complex activated(Activation activation, Complex x) {
  switch (activation) {
    case Activation::silu:
      return x / (1.0 + std::exp(-x));
    case Activation::gelu_tanh:
      return 0.5 * x *
             (1.0 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::gelu_erf: {
      // The derivative of erf(x / sqrt(2)) is sqrt(2 / pi) exp(-x^2 / 2).
      const double a = x.real();
      const Complex erf(std::erf(a / std::numbers::sqrt2),
                        x.imag() * std::sqrt(2 / std::numbers::pi) * std::exp(-a * a / 2));
      return 0.5 * x * (1.0 + erf);
    }
    case Activation::relu:
      return x.real() > 0 ? x : 0;
    case Activation::relu2:
      return x.real() > 0 ? x * x : 0;
  }
  return 0;
}

GradCase activation_case(const char* name, Activation activation) {
  return {name,
          {{4, 29}},
          [=](Context& c, const std::vector<Tensor>& in) {
            return ops::activate(c, activation, in[0]);
          },
          [=](const std::vector<Array>& in) {
            Array y(in[0].shape);
            for (std::size_t i = 0; i < y.at.size(); ++i)
              y.at[i] = activated(activation, in[0].at[i]);
            return y;
          }};
}

Array cross_entropy_with_bias(const Array& x, const Array& w, const Array& bias,
                              const std::vector<std::int32_t>& targets,
                              const std::vector<float>& weights) {
  Array losses({x.shape[0]});
  for (std::int64_t t = 0; t < x.shape[0]; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (targets[i] < 0) continue;
    Complex sum = 0, wanted = 0;
    for (std::int64_t v = 0; v < w.shape[0]; ++v) {
      Complex logit = bias.at[static_cast<std::size_t>(v)];
      for (std::int64_t d = 0; d < x.shape[1]; ++d) logit += x(t, d) * w(v, d);
      sum += std::exp(logit);
      if (v == targets[i]) wanted = logit;
    }
    losses.at[i] = static_cast<double>(weights[i]) * (std::log(sum) - wanted);
  }
  return losses;
}

const std::vector<std::int32_t> kTargets{2, 0, -1, 36, 1, 5};
const std::vector<float> kWeights{1, 0.5f, 1, 0.125f, 0, 2};
constexpr float kEps = 1e-3f;

}  // namespace

std::vector<GradCase> layer_norm_cases() {
  return {
      {"layer_norm",
       {{5, 19}, {19}, {19}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::layer_norm(c, in[0], {&in[1], 1}, in[2], kEps);
       },
       [](const std::vector<Array>& in) {
         return layer_norm(in[0], {in[1]}, &in[2], static_cast<double>(kEps));
       }},
      {"layer_norm of heads, without bias",
       {{4, 24}, {8}, {8}, {8}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::layer_norm(c, in[0], {&in[1], 3}, {}, kEps);
       },
       [](const std::vector<Array>& in) {
         return layer_norm(in[0], {in[1], in[2], in[3]}, nullptr, static_cast<double>(kEps));
       }},
      activation_case("silu", Activation::silu),
      activation_case("gelu_tanh", Activation::gelu_tanh),
      activation_case("gelu_erf", Activation::gelu_erf),
      activation_case("relu", Activation::relu),
      activation_case("relu2", Activation::relu2),
      {"cross_entropy with bias",
       {{6, 23}, {37, 23}, {37}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::cross_entropy(c, in[0], in[1], kTargets, kWeights, 0, in[2]);
       },
       [](const std::vector<Array>& in) {
         return cross_entropy_with_bias(in[0], in[1], in[2], kTargets, kWeights);
       },
       true},
  };
}

}  // namespace bantam::test
