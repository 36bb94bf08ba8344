// Row kernels against plain references: values in long double with tolerances that count roundings,
// gradients by complex steps. A bf16 result is the f32 one, rounded once.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "elementwise_support.h"

namespace bantam::test {
namespace {

constexpr std::int64_t kRows = 3;

template <class N>
using Numbers = std::vector<N>;

template <class N>
Numbers<N> plain_rms_norm(const Numbers<N>& x, const Numbers<N>& gain, double eps) {
  Numbers<N> y(x.size());
  const std::size_t width = gain.size();
  for (std::size_t r = 0; r < x.size(); r += width) {
    N squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += x[r + i] * x[r + i];
    const N inv = N(1) / std::sqrt(squares / N(static_cast<double>(width)) + N(eps));
    for (std::size_t i = 0; i < width; ++i) y[r + i] = x[r + i] * inv * gain[i];
  }
  return y;
}

template <class N>
Numbers<N> plain_layer_norm(const Numbers<N>& x, const Numbers<N>& gain, const Numbers<N>& bias,
                            double eps) {
  Numbers<N> y(x.size());
  const std::size_t width = gain.size();
  const N count(static_cast<double>(width));
  for (std::size_t r = 0; r < x.size(); r += width) {
    N mean = 0, squares = 0;
    for (std::size_t i = 0; i < width; ++i) mean += x[r + i] / count;
    for (std::size_t i = 0; i < width; ++i) squares += (x[r + i] - mean) * (x[r + i] - mean);
    const N inv = N(1) / std::sqrt(squares / count + N(eps));
    for (std::size_t i = 0; i < width; ++i) y[r + i] = (x[r + i] - mean) * inv * gain[i] + bias[i];
  }
  return y;
}

long double plain_erf(long double x) { return std::erf(x); }
// erf at x + ih, to first order: complex libm has none.
Complex plain_erf(const Complex& x) {
  return {std::erf(x.real()),
          2 / std::sqrt(std::numbers::pi) * std::exp(-x.real() * x.real()) * x.imag()};
}
double real(long double x) { return static_cast<double>(x); }
double real(const Complex& x) { return x.real(); }

template <class N>
N plain_activation(Activation activation, const N& x) {
  switch (activation) {
    case Activation::silu:
      return x / (N(1) + std::exp(-x));
    case Activation::gelu_tanh:
      return N(0.5) * x *
             (N(1) + std::tanh(N(std::sqrt(2 / std::numbers::pi)) * (x + N(0.044715) * x * x * x)));
    case Activation::gelu_erf:
      return N(0.5) * x * (N(1) + plain_erf(x / N(std::numbers::sqrt2)));
    case Activation::relu:
      return real(x) > 0 ? x : N(0);
    case Activation::relu2:
      return real(x) > 0 ? x * x : N(0);
  }
  return N(0);
}

Numbers<Complex> complex(const Numbers<double>& x) { return {x.begin(), x.end()}; }
Numbers<double> doubles(const Numbers<long double>& x) { return {x.begin(), x.end()}; }

const std::int64_t kWidths[] = {1, 5, 16, 23, 40, 300};

TEST(ElementwiseValues, RmsNorm) {
  const Kernels k = kernels_for(Isa::scalar);
  for (const std::int64_t width : kWidths) {
    Rows x = Rows::random(1, Type::f32, kRows, width), gain = Rows::random(2, Type::f32, 1, width);
    Rows y(Type::f32, kRows, width), inv(Type::f32, kRows, 1);
    k.rms_norm({x.view(), gain.floats(), 1e-5f, y.view(), inv.floats()}, 0, kRows);
    const Numbers<double> want = doubles(
        plain_rms_norm(x.numbers<long double>(), gain.numbers<long double>(), double{1e-5f}));
    // The sum: width/16 + 4 roundings, halved by the root; 6 more.
    const double roundings = (static_cast<double>(width) / 16 + 5) / 2 + 6;
    expect_near("rms_norm", y, want,
                [&](std::size_t i) { return kUnit * roundings * std::abs(want[i]); });
  }
}

TEST(ElementwiseValues, LayerNorm) {
  const Kernels k = kernels_for(Isa::scalar);
  for (const std::int64_t width : kWidths) {
    Rows x = Rows::random(1, Type::f32, kRows, width), gain = Rows::random(2, Type::f32, 1, width);
    Rows bias = Rows::random(3, Type::f32, 1, width);
    Rows y(Type::f32, kRows, width), inv(Type::f32, kRows, 1), mean(Type::f32, kRows, 1);
    k.layer_norm(
        {x.view(), gain.floats(), bias.floats(), 1e-2f, y.view(), mean.floats(), inv.floats()}, 0,
        kRows);
    const Numbers<double> want =
        doubles(plain_layer_norm(x.numbers<long double>(), gain.numbers<long double>(),
                                 bias.numbers<long double>(), double{1e-2f}));
    // |x| <= 1, so the mean errs by (width/16 + 5) roundings of 1, times inv <= 10.
    const double roundings = static_cast<double>(width) / 16 + 12;
    expect_near("layer_norm", y, want,
                [&](std::size_t i) { return kUnit * roundings * (10 + std::abs(want[i])); });
  }
}

TEST(ElementwiseValues, Activations) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kCount = 4001;
  Rows x(Type::f32, 1, kCount), y(Type::f32, 1, kCount);
  for (std::int64_t i = 0; i < kCount; ++i) x.set(0, i, static_cast<double>(i - 2000) * 0.00611);
  for (const Activation activation : {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf,
                                      Activation::relu, Activation::relu2}) {
    k.glu({activation, x.view(), {}, y.view()}, 0, 1);
    Numbers<double> want;
    for (const long double v : x.numbers<long double>())
      want.push_back(static_cast<double>(plain_activation(activation, v)));
    // The argument of exp, up to 160, errs by two roundings and that is a relative error of e; but
    // the reference's own 1 + tanh and 1 + erf cancel: 2^-60.
    expect_near("activation " + std::to_string(static_cast<int>(activation)), y, want,
                [&](std::size_t i) {
                  const double a = std::abs(x.at(0, static_cast<std::int64_t>(i)));
                  return kUnit * (8 + a * a * a / 4 + 2 * a * a) * std::abs(want[i]) + 0x1p-60 * a;
                });
  }
}

TEST(ElementwiseValues, CrossEntropyAndItsGradient) {
  const Kernels k = kernels_for(Isa::scalar);
  for (const std::int64_t width : {1, 7, 64, 500}) {
    Rows logits = Rows::random(1, Type::f32, kRows, width, 0, 8), losses(Type::f32, kRows, 1);
    const Numbers<long double> x = logits.numbers<long double>();
    const std::int32_t targets[kRows] = {0, static_cast<std::int32_t>(width - 1),
                                         static_cast<std::int32_t>(width / 2)};
    const float weights[kRows] = {1.0f, 0.25f, 0.5f};
    k.cross_entropy({logits.view(), targets, weights, losses.floats(), logits.view()}, 0, kRows);
    Numbers<double> loss, gradient;
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto row = x.begin() + static_cast<std::int64_t>(r) * width;
      long double total = 0;
      for (std::int64_t i = 0; i < width; ++i) total += std::exp(row[i]);
      loss.push_back(double{weights[r]} * static_cast<double>(std::log(total) - row[targets[r]]));
      for (std::int64_t i = 0; i < width; ++i)
        gradient.push_back(double{weights[r]} * (static_cast<double>(std::exp(row[i]) / total) -
                                                 (i == targets[r] ? 1 : 0)));
    }
    // x - max up to 16 rounds once: a relative error of 8 u of e; the sum and the quotient besides.
    const double roundings = static_cast<double>(width) / 16 + 24;
    expect_near("loss", losses, loss, [&](std::size_t) { return kUnit * (roundings + 16); });
    expect_near("gradient", logits, gradient,
                [&](std::size_t i) { return kUnit * (roundings * std::abs(gradient[i]) + 2); });
  }
}

TEST(ElementwiseValues, AdamAsWritten) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kCount = 100;
  Rows p = Rows::random(1, Type::f32, 1, kCount), g = Rows::random(2, Type::f32, 1, kCount);
  Rows m = Rows::random(3, Type::f32, 1, kCount), v(Type::f32, 1, kCount);
  for (std::int64_t i = 0; i < kCount; ++i) v.set(0, i, 0.5 * std::abs(g.at(0, i)));
  const Numbers<double> p0 = p.numbers<double>(), m0 = m.numbers<double>(),
                        v0 = v.numbers<double>();
  const float clip = 0.7f, lr = 1e-2f, step = 1.2e-2f, v_scale = 1.1f, beta1 = 0.9f, beta2 = 0.95f,
              eps = 1e-8f, decay = 0.1f;
  k.adam({p.floats(), g.floats(), m.floats(), v.floats(), clip, lr, step, v_scale, beta1, beta2,
          eps, decay},
         0, kCount);
  Numbers<double> wp, wm, wv;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double gi = double{clip} * g.at(0, static_cast<std::int64_t>(i));
    wm.push_back(double{beta1} * m0[i] + (1 - double{beta1}) * gi);
    wv.push_back(double{beta2} * v0[i] + (1 - double{beta2}) * gi * gi);
    wp.push_back(p0[i] * (1 - double{lr} * double{decay}) -
                 double{step} * wm[i] / (std::sqrt(wv[i] * double{v_scale}) + double{eps}));
  }
  expect_near("m", m, wm, [](std::size_t) { return kUnit * 4; });
  expect_near("v", v, wv, [](std::size_t) { return kUnit * 4; });
  // m errs by 4 u of 1 while sqrt(v) may be small: |m / sqrt(v)| (1 + 4 / |m|).
  expect_near("p", p, wp, [&](std::size_t i) {
    return kUnit * (4 + double{step} * 8 / std::sqrt(wv[i]) * (1 + 1 / wv[i]));
  });
}

TEST(ElementwiseValues, SquareSumsByBlocksOf4096) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kCount = 9001;
  Rows x = Rows::random(1, Type::f32, 1, kCount), sums(Type::f32, 1, 3);
  k.square_sum({x.floats(), kCount, sums.floats()}, 0, 3);
  Numbers<double> want(3);
  for (std::int64_t i = 0; i < kCount; ++i)
    want[static_cast<std::size_t>(i / 4096)] += x.at(0, i) * x.at(0, i);
  expect_near("square_sum", sums, want, [&](std::size_t i) { return kUnit * 260 * want[i]; });
}

TEST(ElementwiseValues, RopeTurnsPairsAndTurnsBack) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kHalf = 3, kWidth = 8;
  Rows x = Rows::random(1, Type::f32, kRows, 2 * kWidth), y(Type::f32, kRows, 2 * kWidth);
  Rows back(Type::f32, kRows, 2 * kWidth), table(Type::f32, 5, 2 * kHalf);
  for (std::int64_t p = 0; p < 5; ++p)
    for (std::int64_t i = 0; i < kHalf; ++i) {
      table.set(p, i, std::cos(0.3 * static_cast<double>(p * (i + 1))));
      table.set(p, kHalf + i, std::sin(0.3 * static_cast<double>(p * (i + 1))));
    }
  const std::int32_t positions[kRows] = {0, 4, 2};
  k.rope({x.view(), {y.view(), false}, positions, table.floats(), 2, kWidth, kHalf, false}, 0,
         kRows);
  k.rope({y.view(), {back.view(), false}, positions, table.floats(), 2, kWidth, kHalf, true}, 0,
         kRows);
  for (std::int64_t r = 0; r < kRows; ++r)
    for (std::int64_t h = 0; h < 2; ++h)
      for (std::int64_t i = 0; i < kWidth; ++i) {
        const std::int64_t at = h * kWidth + i;
        double want = x.at(r, at);
        if (i < 2 * kHalf) {
          const Complex pair(x.at(r, h * kWidth + i % kHalf),
                             x.at(r, h * kWidth + kHalf + i % kHalf));
          const Complex turned =
              pair * std::polar(1.0, 0.3 * static_cast<double>(positions[r] * (i % kHalf + 1)));
          want = i < kHalf ? turned.real() : turned.imag();
        }
        EXPECT_NEAR(y.at(r, at), want, 6 * kUnit);
        EXPECT_NEAR(back.at(r, at), x.at(r, at), 12 * kUnit);
      }
}

// ---- gradients
// -----------------------------------------------------------------------------------

TEST(ElementwiseGradients, RmsNorm) {
  const Kernels k = kernels_for(Isa::scalar);
  for (const std::int64_t width : kWidths) {
    Rows x = Rows::random(1, Type::f32, kRows, width), gain = Rows::random(2, Type::f32, 1, width);
    Rows dy = Rows::random(3, Type::f32, kRows, width), y(Type::f32, kRows, width);
    Rows inv(Type::f32, kRows, 1), dx(Type::f32, kRows, width), dgain(Type::f32, 1, width);
    const double eps = double{1e-2f};
    k.rms_norm({x.view(), gain.floats(), 1e-2f, y.view(), inv.floats()}, 0, kRows);
    k.rms_norm_back({dy.view(), x.view(), gain.floats(), inv.floats(), {dx.view(), false}}, 0,
                    kRows);
    std::fill_n(dgain.floats(), width, 0.0f);
    k.rms_norm_gain_back({dy.view(), x.view(), inv.floats(), dgain.floats()}, 0, width);
    const Numbers<double> x0 = x.numbers<double>(), g0 = gain.numbers<double>();
    const Numbers<double> dy0 = dy.numbers<double>();
    const Numbers<double> want_x = complex_step(x0, [&](const Numbers<Complex>& z) {
      return weighted(dy0, plain_rms_norm(z, complex(g0), eps));
    });
    const Numbers<double> want_g = complex_step(g0, [&](const Numbers<Complex>& z) {
      return weighted(dy0, plain_rms_norm(complex(x0), z, eps));
    });
    // inv <= 10, and inv^3 x^2 <= inv: the terms of dx are below 10 each; 20 roundings and the
    // mean's.
    const double roundings = static_cast<double>(width) / 16 + 20;
    expect_near("dx", dx, want_x, [&](std::size_t) { return kUnit * roundings * 20; });
    expect_near("dgain", dgain, want_g, [&](std::size_t) { return kUnit * roundings * 30; });
  }
}

TEST(ElementwiseGradients, LayerNorm) {
  const Kernels k = kernels_for(Isa::scalar);
  for (const std::int64_t width : kWidths) {
    Rows x = Rows::random(1, Type::f32, kRows, width), gain = Rows::random(2, Type::f32, 1, width);
    Rows bias = Rows::random(4, Type::f32, 1, width), dy = Rows::random(3, Type::f32, kRows, width);
    Rows y(Type::f32, kRows, width), inv(Type::f32, kRows, 1), mean(Type::f32, kRows, 1);
    Rows dx(Type::f32, kRows, width), dgain(Type::f32, 1, width), dbias(Type::f32, 1, width);
    const double eps = double{1e-2f};
    k.layer_norm(
        {x.view(), gain.floats(), bias.floats(), 1e-2f, y.view(), mean.floats(), inv.floats()}, 0,
        kRows);
    k.layer_norm_back(
        {dy.view(), x.view(), gain.floats(), mean.floats(), inv.floats(), {dx.view(), false}}, 0,
        kRows);
    std::fill_n(dgain.floats(), width, 0.0f);
    std::fill_n(dbias.floats(), width, 0.0f);
    k.layer_norm_gain_back(
        {dy.view(), x.view(), mean.floats(), inv.floats(), dgain.floats(), dbias.floats()}, 0,
        width);
    const Numbers<double> x0 = x.numbers<double>(), g0 = gain.numbers<double>();
    const Numbers<double> b0 = bias.numbers<double>(), dy0 = dy.numbers<double>();
    const Numbers<double> want_x = complex_step(x0, [&](const Numbers<Complex>& z) {
      return weighted(dy0, plain_layer_norm(z, complex(g0), complex(b0), eps));
    });
    const Numbers<double> want_g = complex_step(g0, [&](const Numbers<Complex>& z) {
      return weighted(dy0, plain_layer_norm(complex(x0), z, complex(b0), eps));
    });
    const Numbers<double> want_b = complex_step(b0, [&](const Numbers<Complex>& z) {
      return weighted(dy0, plain_layer_norm(complex(x0), complex(g0), z, eps));
    });
    const double roundings = static_cast<double>(width) / 16 + 20;
    expect_near("dx", dx, want_x, [&](std::size_t) { return kUnit * roundings * 40; });
    expect_near("dgain", dgain, want_g, [&](std::size_t) { return kUnit * roundings * 60; });
    expect_near("dbias", dbias, want_b, [&](std::size_t) { return kUnit * 12; });
  }
}

TEST(ElementwiseGradients, GluOfEveryActivation) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kWidth = 201;
  Rows gate = Rows::random(1, Type::f32, 1, kWidth, 0, 6),
       up = Rows::random(2, Type::f32, 1, kWidth);
  Rows dy = Rows::random(3, Type::f32, 1, kWidth), dgate(Type::f32, 1, kWidth), dup = dgate;
  const Numbers<double> g0 = gate.numbers<double>(), u0 = up.numbers<double>();
  const Numbers<double> dy0 = dy.numbers<double>();
  for (const Activation activation : {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf,
                                      Activation::relu, Activation::relu2})
    for (const bool gated : {true, false}) {
      k.glu_back({activation,
                  dy.view(),
                  gate.view(),
                  gated ? up.view() : View(),
                  {dgate.view(), false},
                  {dup.view(), false}},
                 0, 1);
      const auto loss = [&](const Numbers<Complex>& g, const Numbers<Complex>& u) {
        Complex sum = 0;
        for (std::size_t i = 0; i < g.size(); ++i)
          sum += dy0[i] * plain_activation(activation, g[i]) * (gated ? u[i] : Complex(1));
        return sum;
      };
      const Numbers<double> want =
          complex_step(g0, [&](const Numbers<Complex>& z) { return loss(z, complex(u0)); });
      // Slopes stay below 12 (relu2 at 6); exp's argument, up to 24, errs by a few roundings, times
      // a derivative of second order below 2.
      expect_near("dgate", dgate, want, [](std::size_t) { return kUnit * 120; });
      if (!gated) continue;
      const Numbers<double> want_up =
          complex_step(u0, [&](const Numbers<Complex>& z) { return loss(complex(g0), z); });
      expect_near("dup", dup, want_up, [](std::size_t) { return kUnit * 240; });
    }
}

TEST(ElementwiseGradients, Softcap) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kWidth = 77;
  Rows x = Rows::random(1, Type::f32, 1, kWidth, 0, 5), dy = Rows::random(3, Type::f32, 1, kWidth);
  Rows y(Type::f32, 1, kWidth), dx(Type::f32, 1, kWidth);
  k.softcap({x.view(), 2.0f, y.view()}, 0, 1);
  k.softcap_back({dy.view(), y.view(), 2.0f, {dx.view(), false}}, 0, 1);
  const Numbers<double> want = complex_step(x.numbers<double>(), [&](const Numbers<Complex>& z) {
    Complex sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i)
      sum += dy.at(0, static_cast<std::int64_t>(i)) * 2.0 * std::tanh(z[i] / 2.0);
    return sum;
  });
  expect_near("softcap", dx, want, [](std::size_t) { return kUnit * 12; });
}

// ---- bf16
// ----------------------------------------------------------------------------------------

TEST(ElementwiseValues, Bf16ResultsAreTheF32OnesRoundedOnce) {
  const Kernels k = kernels_for(Isa::scalar);
  constexpr std::int64_t kWidth = 43;
  Rows x16 = Rows::random(1, Type::bf16, kRows, kWidth),
       dy16 = Rows::random(2, Type::bf16, kRows, kWidth);
  Rows x = x16.as(Type::f32), dy = dy16.as(Type::f32);
  Rows gain = Rows::random(3, Type::f32, 1, kWidth), inv(Type::f32, kRows, 1);
  Rows y16(Type::bf16, kRows, kWidth), y(Type::f32, kRows, kWidth);
  const auto expect_rounded = [&](const char* what) {
    EXPECT_EQ(y16.bytes(), y.as(Type::bf16).bytes()) << what;
  };
  for (const bool wide : {false, true})
    k.rms_norm(
        {(wide ? x : x16).view(), gain.floats(), 1e-5f, (wide ? y : y16).view(), inv.floats()}, 0,
        kRows);
  expect_rounded("rms_norm");
  for (const bool wide : {false, true})
    k.rms_norm_back({(wide ? dy : dy16).view(),
                     (wide ? x : x16).view(),
                     gain.floats(),
                     inv.floats(),
                     {(wide ? y : y16).view(), false}},
                    0, kRows);
  expect_rounded("rms_norm_back");
  for (const bool wide : {false, true})
    k.glu({Activation::silu, (wide ? x : x16).view(), (wide ? dy : dy16).view(),
           (wide ? y : y16).view()},
          0, kRows);
  expect_rounded("glu");
  for (const bool wide : {false, true})
    k.add({(wide ? x : x16).view(), (wide ? dy : dy16).view(), (wide ? y : y16).view()}, 0, kRows);
  expect_rounded("add");
  y16 = x16;
  y = x;
  for (const bool wide : {false, true})
    k.convert({(wide ? dy : dy16).view(), {(wide ? y : y16).view(), true}}, 0, kRows);
  expect_rounded("convert, added");
}

}  // namespace
}  // namespace bantam::test
