// Our transcendental functions against long double libm, over their whole ranges.
#include "kernels/math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/random.h"

namespace bantam {
namespace {

// The error of `got` in units of the last of `bits` bits of `want`.
double ulps(double got, long double want, int bits) {
  int exponent;
  std::frexp(want, &exponent);
  const long double ulp = std::ldexp(1.0L, exponent - bits);
  return static_cast<double>(std::abs(static_cast<long double>(got) - want) / ulp);
}

// Every `step`-th float in [low, high].
void sweep(float (*ours)(float), long double (*exact)(long double), float low, float high,
           double tolerance) {
  for (std::uint64_t bits = 0; bits < 0x100000000u; bits += 9973) {
    const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (!(x >= low && x <= high)) continue;
    ASSERT_LE(ulps(double{ours(x)}, exact(static_cast<long double>(x)), 24), tolerance)
        << x << ": " << ours(x);
  }
}

TEST(Math, FloatExpIsWithinOneUlp) { sweep(bantam_exp, std::exp, -86.98f, 88.7228394f, 1.0); }
TEST(Math, FloatLogIsWithinOneUlp) { sweep(bantam_log, std::log, 1e-45f, 3.4e38f, 1.0); }
TEST(Math, FloatTanhIsWithinOneAndAHalfUlp) {
  sweep(bantam_tanh, std::tanh, -1e30f, -0x1p-120f, 1.5);
  sweep(bantam_tanh, std::tanh, 0x1p-120f, 1e30f, 1.5);
}

TEST(Math, FloatFunctionsAtTheirEnds) {
  const float inf = HUGE_VALF;
  EXPECT_EQ(bantam_exp(-inf), 0);
  EXPECT_EQ(bantam_exp(-87.0f), 0);
  EXPECT_EQ(bantam_exp(0.0f), 1);
  EXPECT_EQ(bantam_exp(88.75f), inf);
  EXPECT_EQ(bantam_exp(inf), inf);
  EXPECT_TRUE(std::isnan(bantam_exp(std::nanf(""))));
  EXPECT_EQ(bantam_log(0.0f), -inf);
  EXPECT_EQ(bantam_log(1.0f), 0);
  EXPECT_EQ(bantam_log(inf), inf);
  EXPECT_TRUE(std::isnan(bantam_log(-1.0f)));
  EXPECT_TRUE(std::isnan(bantam_log(std::nanf(""))));
  EXPECT_EQ(bantam_tanh(inf), 1);
  EXPECT_EQ(bantam_tanh(-inf), -1);
  EXPECT_TRUE(std::signbit(bantam_tanh(-0.0f)));
  EXPECT_TRUE(std::isnan(bantam_tanh(std::nanf(""))));
}

// `count` numbers in [low, high), evenly or by ratio.
template <class Check>
void draw(double low, double high, bool by_ratio, Check check) {
  const Random random(11, 5);
  for (std::uint64_t i = 0; i < 200000; ++i) {
    const double u = random.uniform(i);
    check(by_ratio ? std::exp(std::log(low) * (1 - u) + std::log(high) * u)
                   : low + (high - low) * u);
  }
}

TEST(Math, DoubleSinAndCosAreWithinOneUlpUpToAMillion) {
  const auto check = [](double x) {
    ASSERT_LE(ulps(bantam_sin(x), std::sin(static_cast<long double>(x)), 53), 1.0) << x;
    ASSERT_LE(ulps(bantam_cos(x), std::cos(static_cast<long double>(x)), 53), 1.0) << x;
  };
  draw(-1e6, 1e6, false, check);
  draw(1e-6, 10, true, check);
  for (int position = 0; position < 100000; ++position) check(position);
  check(0x1.6ac5b262ca1ffp19);  // nearly a multiple of pi/2
  EXPECT_EQ(bantam_sin(0), 0);
  EXPECT_EQ(bantam_cos(0), 1);
  EXPECT_TRUE(std::isnan(bantam_sin(HUGE_VAL)));
}

TEST(Math, DoubleExpAndLogAreWithinOneUlp) {
  const auto exp_check = [](double x) {
    ASSERT_LE(ulps(bantam_exp(x), std::exp(static_cast<long double>(x)), 53), 1.0) << x;
  };
  const auto log_check = [](double x) {
    ASSERT_LE(ulps(bantam_log(x), std::log(static_cast<long double>(x)), 53), 1.0) << x;
  };
  draw(-707, 709, false, exp_check);
  draw(-1, 1, false, exp_check);
  draw(1e-300, 1e300, true, log_check);
  draw(0.5, 2, false, log_check);
}

TEST(Math, DoublePowIsWithinTwoUlpForFrequencies) {
  for (const double theta : {10000.0, 150000.0, 500000.0, 1e6, 0.125})
    draw(-1, 1, false, [&](double x) {
      const long double exact =
          std::pow(static_cast<long double>(theta), static_cast<long double>(x));
      ASSERT_LE(ulps(bantam_pow(theta, x), exact, 53), 2.0) << theta << " to " << x;
    });
  EXPECT_EQ(bantam_pow(10000.0, 0.0), 1);
  EXPECT_EQ(bantam_pow(2.0, -3.0), 0.125);
  EXPECT_TRUE(std::isnan(bantam_pow(-1.0, 2.0)));
}

}  // namespace
}  // namespace bantam
