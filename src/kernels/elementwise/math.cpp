// The functions of kernels/math.h. In double precision a value that needs more than 53 bits is kept
// as an unevaluated sum high + low (Dekker 1971), with std::fma for exact products.
#include "kernels/math.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/elementwise/math-inl.h"

namespace bantam::kernels {
namespace {

struct Sum {
  double high, low;
};
// high + low == a + b exactly, for |a| >= |b|.
Sum exact_sum(double a, double b) {
  const double high = a + b;
  return {high, b - (high - a)};
}

// coefficients[0] x^n + ... + coefficients[n].
template <std::size_t N>
double polynomial(double x, const double (&coefficients)[N]) {
  double y = coefficients[0];
  for (std::size_t i = 1; i < N; ++i) y = std::fma(y, x, coefficients[i]);
  return y;
}

double nearest_integer(double x) {  // |x| < 2^51
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

// x = n pi/2 + high + low, |high| <= pi/4. The first fma is exact: x and n * kPi2High are multiples
// of 2^-53 and nearly equal.
Sum reduce_angle(double x, std::int64_t& quadrant) {
  constexpr double kTwoOverPi = 0.63661977236758134;
  constexpr double kPi2High = 1.5707963267948966, kPi2Low = 6.123233995736766e-17;
  const double n = nearest_integer(x * kTwoOverPi);
  quadrant = static_cast<std::int64_t>(n) & 3;
  const double rest = std::fma(-n, kPi2High, x);
  const double high = std::fma(-n, kPi2Low, rest);
  return {high, std::fma(-n, kPi2Low, rest - high)};
}

// Minimax fits on [0, pi/4].
double sin_near_zero(Sum x) {
  constexpr double kP[] = {1.589619786050482e-10,  -2.505074722214184e-08, 2.7557313618042835e-06,
                           -0.0001984126982958024, 0.008333333333322108,   -0.1666666666666663};
  const double square = x.high * x.high;
  const double tail =
      std::fma(x.high * square, polynomial(square, kP), x.low * std::fma(-0.5, square, 1.0));
  return x.high + tail;
}
double cos_near_zero(Sum x) {
  constexpr double kP[] = {-1.1359647933444407e-11, 2.087572327578499e-09,  -2.755731435235196e-07,
                           2.4801587289482252e-05,  -0.0013888888888874125, 0.0416666666666666};
  const double square = x.high * x.high;
  const Sum head = exact_sum(1.0, -0.5 * square);
  const double half_error = 0.5 * std::fma(x.high, x.high, -square);
  const double tail =
      std::fma(square * square, polynomial(square, kP), head.low - half_error - x.high * x.low);
  return head.high + tail;
}

double sin_of(double x, std::int64_t quarter_turns) {
  if (!(x >= -0x1p20 && x <= 0x1p20)) return std::nan("");
  std::int64_t quadrant;
  const Sum r = reduce_angle(x, quadrant);
  quadrant = (quadrant + quarter_turns) & 3;
  const double y = (quadrant & 1) != 0 ? cos_near_zero(r) : sin_near_zero(r);
  return (quadrant & 2) != 0 ? -y : y;
}

constexpr double kLn2High = 0x1.62e42feep-1;  // 32 bits: an exponent times it is exact
constexpr double kLn2Low = 1.9082149292705877e-10;

// x = 2^e m, m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1) / (m + 1), by its series.
Sum log_sum(double x) {
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t e = (bits - std::bit_cast<std::int64_t>(0x1.6a09e667f3bcdp-1)) >> 52;
  const double m =
      std::bit_cast<double>(bits - static_cast<std::int64_t>(static_cast<std::uint64_t>(e) << 52));
  const double f = m - 1, d = m + 1, d_low = m - (d - 1);
  const double s = f / d;
  const double s_low = (std::fma(-s, d, f) - s * d_low) / d;
  constexpr double kSeries[] = {2.0 / 25, 2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15,
                                2.0 / 13, 2.0 / 11, 2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3};
  const double square = s * s;
  const double tail = std::fma(s * square, polynomial(square, kSeries), 2 * s_low);
  const double power = static_cast<double>(e);
  const Sum head = power == 0 ? Sum{2 * s, 0} : exact_sum(power * kLn2High, 2 * s);
  return exact_sum(head.high, head.low + std::fma(power, kLn2Low, tail));
}

double exp_of(Sum x) {
  if (!(x.high >= -708)) return x.high < 0 ? 0 : x.high;  // NaN stays
  if (x.high > 709.782712893384) return HUGE_VAL;
  const double n = nearest_integer(x.high * 1.4426950408889634);
  const double rest = std::fma(-n, kLn2High, x.high);
  const double r = std::fma(-n, kLn2Low, rest);
  const double r_low = std::fma(-n, kLn2Low, rest - r) + x.low;
  double factorial = 1, terms[13];  // e^r - 1 - r = r^2 (1/2! + r/3! + ... + r^12/14!)
  for (int i = 2; i <= 14; ++i) {
    factorial *= i;
    terms[14 - i] = 1 / factorial;
  }
  const double tail = std::fma(r * r, polynomial(r, terms), std::fma(r, r_low, r_low));
  const Sum head = exact_sum(1.0, r);
  const double y = head.high + (head.low + tail);
  // In two steps, since 2^1024 is no double.
  const auto e = static_cast<std::int64_t>(n);
  const auto power = [](std::int64_t k) { return std::bit_cast<double>((k + 1023) << 52); };
  return y * power(e - e / 2) * power(e / 2);
}

bool positive_normal(double x) { return x >= 0x1p-1022 && x < HUGE_VAL; }

}  // namespace

float bantam_exp(float x) { return HWY_NAMESPACE::exp(x); }
float bantam_log(float x) { return HWY_NAMESPACE::log(x); }
float bantam_tanh(float x) { return HWY_NAMESPACE::tanh(x); }

double bantam_sin(double x) { return sin_of(x, 0); }
double bantam_cos(double x) { return sin_of(x, 1); }
double bantam_exp(double x) { return exp_of({x, 0}); }
double bantam_log(double x) {
  if (!positive_normal(x)) return std::nan("");
  const Sum y = log_sum(x);
  return y.high + y.low;
}
double bantam_pow(double base, double exponent) {
  if (!positive_normal(base) || std::isnan(exponent)) return std::nan("");
  const Sum logarithm = log_sum(base);
  const double product = exponent * logarithm.high;
  const double low = std::fma(exponent, logarithm.high, -product) + exponent * logarithm.low;
  return exp_of({product, low});
}

}  // namespace bantam::kernels
