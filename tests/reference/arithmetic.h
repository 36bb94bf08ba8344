// Plain arithmetic of the reference decoder, in double precision or in complex numbers: with a step
// of 1e-50 i in one number, the imaginary part of the result is its derivative, exact to rounding.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace bantam::reference {

inline constexpr double kStep = 1e-50;
using Complex = std::complex<double>;

inline double real(double x) { return x; }
inline double real(const Complex& x) { return x.real(); }

template <class N>
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<N> at;

  Matrix() = default;
  Matrix(std::int64_t r, std::int64_t c)
      : rows(r), columns(c), at(static_cast<std::size_t>(r * c)) {}
  N* row(std::int64_t r) { return at.data() + r * columns; }
  const N* row(std::int64_t r) const { return at.data() + r * columns; }
};

// x w^T + bias; w [outputs, inputs] row by row, bias as long as the outputs or empty.
template <class N>
Matrix<N> product(const Matrix<N>& x, std::span<const N> w, std::span<const N> bias) {
  const auto inputs = static_cast<std::size_t>(x.columns);
  Matrix<N> y(x.rows, static_cast<std::int64_t>(w.size() / inputs));
  for (std::int64_t t = 0; t < x.rows; ++t)
    for (std::size_t n = 0; n < w.size() / inputs; ++n) {
      N sum = bias.empty() ? N(0) : bias[n];
      for (std::size_t k = 0; k < inputs; ++k) sum += x.row(t)[k] * w[n * inputs + k];
      y.row(t)[n] = sum;
    }
  return y;
}

// Each row, in parts of `width` elements, divided by the root of its mean square; with `centred`
// the mean is taken away first (LayerNorm). Gains repeat from part to part unless there is one for
// every column.
template <class N>
Matrix<N> normalised(const Matrix<N>& x, std::int64_t width, std::span<const N> gain,
                     std::span<const N> bias, double eps, bool centred) {
  Matrix<N> y = x;
  const auto count = static_cast<double>(width);
  for (std::int64_t t = 0; t < x.rows; ++t)
    for (std::int64_t first = 0; first < x.columns; first += width) {
      N* part = y.row(t) + first;
      N mean = 0, square = 0;
      if (centred)
        for (std::int64_t i = 0; i < width; ++i) mean += part[i] / count;
      for (std::int64_t i = 0; i < width; ++i) {
        part[i] -= mean;
        square += part[i] * part[i] / count;
      }
      for (std::int64_t i = 0; i < width; ++i) {
        const auto column = static_cast<std::size_t>(first + i);
        part[i] = part[i] / std::sqrt(square + eps) * gain[column % gain.size()];
        if (!bias.empty()) part[i] += bias[column];
      }
    }
  return y;
}

template <class N>
N activated(Activation activation, const N& x) {
  const N cubic = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
  switch (activation) {
    case Activation::silu:
      return x / (1.0 + std::exp(-x));
    case Activation::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(cubic));
    case Activation::gelu_erf: {  // the slope of erf(x / sqrt(2)) is sqrt(2 / pi) exp(-x^2 / 2)
      const double a = real(x);
      const N step = (x - a) * (std::sqrt(2 / std::numbers::pi) * std::exp(-a * a / 2));
      return 0.5 * x * (1.0 + std::erf(a / std::numbers::sqrt2) + step);
    }
    case Activation::relu:
      return real(x) > 0 ? x : N(0);
    case Activation::relu2:
      return real(x) > 0 ? x * x : N(0);
  }
  return 0;
}

// cap * tanh(x / cap); x where the cap is 0.
template <class N>
N capped(const N& x, double cap) {
  return cap > 0 ? cap * std::tanh(x / cap) : x;
}

// log(sum of exp) of a row.
template <class N>
N log_sum_exp(const N* row, std::int64_t count) {
  double most = real(row[0]);
  for (std::int64_t i = 1; i < count; ++i) most = std::max(most, real(row[i]));
  N sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += std::exp(row[i] - most);
  return most + std::log(sum);
}

}  // namespace bantam::reference
