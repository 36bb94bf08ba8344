// exp, log, tanh and what is made of them, over vectors of any width: the same bytes on every
// target. Polynomials are minimax fits (Remez) of our own, evaluated by Horner with fused
// multiply-adds.
#if defined(BANTAM_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BANTAM_KERNELS_MATH_INL_H_
#undef BANTAM_KERNELS_MATH_INL_H_
#else
#define BANTAM_KERNELS_MATH_INL_H_
#endif

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {

// coefficients[0] x^n + ... + coefficients[n].
template <std::size_t N>
HWY_INLINE Vec polynomial(Vec x, const float (&coefficients)[N]) {
  Vec y = vec(coefficients[0]);
  for (std::size_t i = 1; i < N; ++i) y = fma(y, x, vec(coefficients[i]));
  return y;
}

// e^x within 1 ulp; below -86.98 (2^-125.5) zero, above 88.7228 infinity; NaN stays.
// x = n ln 2 + r, |r| <= ln(2)/2; the polynomial is 2 e^r, the scale 2^(n-1), which a float holds
// for every n here. ln 2 is split so that n * kLn2High and the first difference are exact.
HWY_INLINE Vec exp(Vec x) {
  constexpr float kLog2E = 1.44269504f,
                  kShift = 12582912.0f + 126;  // 1.5 * 2^23: rounds to integer
  constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 1.42860677e-06f;
  constexpr float kTwiceExp[] = {2 * 1.38151238694e-3f,
                                 2 * 8.36885561717e-3f,
                                 2 * 4.1668396024e-2f,
                                 2 * 0.166665195647f,
                                 2 * 0.499999933284f,
                                 2,
                                 2};
  const WordTag w;
  const Vec shifted = fma(x, vec(kLog2E), vec(kShift));
  const Vec n = hn::Sub(shifted, vec(kShift));
  const Vec r = fma(n, vec(-kLn2Low), fma(n, vec(-kLn2High), x));
  const Vec scale = hn::BitCast(FloatTag(), hn::ShiftLeft<23>(hn::BitCast(w, shifted)));
  Vec y = hn::Mul(polynomial(r, kTwiceExp), scale);
  y = hn::IfThenElse(hn::Gt(x, vec(88.7228394f)), vec(__builtin_inff()), y);
  return hn::IfThenElse(hn::Lt(x, vec(-86.98f)), hn::Zero(FloatTag()), y);
}

// ln x within 1 ulp; 0 gives -infinity, less NaN. x = 2^e m, m in [sqrt(1/2), sqrt(2)), f = m - 1;
// ln m = f - f^2/2 + f^3 P(f).
HWY_INLINE Vec log(Vec x) {
  constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 1.42860677e-06f;
  constexpr float kP[] = {0.0674665943f, -0.116756737f, 0.118881658f,  -0.124055855f, 0.142195508f,
                          -0.166679963f, 0.200021192f,  -0.250000089f, 0.333333135f};
  const hn::RebindToSigned<FloatTag> s;
  const auto is_small = hn::Lt(x, vec(0x1p-126f));
  const Vec normal = hn::IfThenElse(is_small, hn::Mul(x, vec(0x1p23f)), x);
  const auto bits = hn::BitCast(s, normal);
  const auto e = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(s, 0x3f3504f3)));
  const Vec f = hn::Sub(hn::BitCast(FloatTag(), hn::Sub(bits, hn::ShiftLeft<23>(e))), vec(1));
  const Vec power = hn::Sub(hn::ConvertTo(FloatTag(), e), hn::IfThenElseZero(is_small, vec(23)));
  const Vec f2 = hn::Mul(f, f);
  Vec y = hn::Mul(hn::Mul(f, f2), polynomial(f, kP));
  y = fma(power, vec(kLn2Low), y);
  y = fma(vec(-0.5f), f2, y);
  y = fma(power, vec(kLn2High), hn::Add(f, y));
  const Vec infinity = vec(__builtin_inff());
  y = hn::IfThenElse(hn::Lt(x, infinity), y, x);  // infinity, NaN
  y = hn::IfThenElse(hn::Eq(x, vec(0)), hn::Neg(infinity), y);
  return hn::IfThenElse(hn::Lt(x, vec(0)), vec(__builtin_nanf("")), y);
}

// tanh x within 1.5 ulp: x + x^3 P(x^2) below 5/8, else 1 - 2 / (e^2|x| + 1) with x's sign.
HWY_INLINE Vec tanh(Vec x) {
  constexpr float kP[] = {0.00212622737f, -0.00815955549f, 0.0216936804f,
                          -0.053945519f,  0.133331969f,    -0.333333313f};
  const Vec a = hn::Abs(x), square = hn::Mul(x, x);
  const Vec small = fma(hn::Mul(x, square), polynomial(square, kP), x);
  const Vec one = vec(1);
  const Vec large = hn::Sub(one, hn::Div(vec(2), hn::Add(exp(hn::Add(a, a)), one)));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, vec(0.625f)), small, large), x);
}

// The standard normal distribution: `below` = (1 + erf(x / sqrt 2)) / 2 and `density`, from one
// e^(-x^2/2): below = e erfcx(a) / 2 for x = -a sqrt 2 <= 0 (accurate in the tail), 1 less that
// above. erfcx(a) = e^(a^2) erfc(a) is a polynomial in (a - 2.5) / (a + 2.5) for a in [0, 10]; e is
// 0 beyond.
HWY_INLINE void normal(Vec x, Vec& below, Vec& density) {
  constexpr float kP[] = {-3.77663826e-05f, -0.000111165513f, 0.000236637f,  0.000869014564f,
                          -0.0026459148f,   -0.0039923489f,   0.0399231067f, -0.125033181f,
                          0.251713164f,     -0.37173673f,     0.210806364f};
  const Vec e = exp(hn::Mul(hn::Mul(x, x), vec(-0.5f)));
  const Vec scaled = hn::Mul(hn::Abs(x), vec(0.707106781f)), ten = vec(10);
  const Vec a = hn::IfThenElse(hn::Gt(scaled, ten), ten, scaled);
  const Vec t = hn::Div(hn::Sub(a, vec(2.5f)), hn::Add(a, vec(2.5f)));
  const Vec tail = hn::Mul(hn::Mul(e, vec(0.5f)), polynomial(t, kP));
  below = hn::IfThenElse(hn::Gt(x, hn::Zero(FloatTag())), hn::Sub(vec(1), tail), tail);
  density = hn::Mul(e, vec(0.398942280f));
}

HWY_INLINE Lanes exp(const Lanes& x) {
  return each_part([&](int i) { return exp(x.part[i]); });
}
HWY_INLINE Lanes log(const Lanes& x) {
  return each_part([&](int i) { return log(x.part[i]); });
}
HWY_INLINE Lanes tanh(const Lanes& x) {
  return each_part([&](int i) { return tanh(x.part[i]); });
}
HWY_INLINE void normal(const Lanes& x, Lanes& below, Lanes& density) {
  for (int i = 0; i < kParts; ++i) normal(x.part[i], below.part[i], density.part[i]);
}
HWY_INLINE float exp(float x) { return hn::GetLane(exp(vec(x))); }
HWY_INLINE float log(float x) { return hn::GetLane(log(vec(x))); }
HWY_INLINE float tanh(float x) { return hn::GetLane(tanh(vec(x))); }
// 1 / (1 + e^-x).
HWY_INLINE Lanes sigmoid(const Lanes& x) { return lanes(1) / (lanes(1) + exp(-x)); }

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
