// Optimiser steps, sums and copies over ranges of float32.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/flat.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

// In this order, each step rounded once:
//   g' = clip g;  m = fma(beta1, m, (1 - beta1) g');  v = fma(beta2, v, ((1 - beta2) g') g');
//   p = fma(-step_size, m / (sqrt(v v_scale) + eps), p (1 - lr decay)).
void adam(const AdamArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const Lanes clip = lanes(a.clip), beta1 = lanes(a.beta1), beta2 = lanes(a.beta2);
  const Lanes rest1 = lanes(1.0f - a.beta1), rest2 = lanes(1.0f - a.beta2);
  const Lanes v_scale = lanes(a.v_scale), eps = lanes(a.eps), step = lanes(-a.step_size);
  const Lanes keep = lanes(1.0f - a.lr * a.decay);
  each16(begin, end, [&](std::int64_t i, auto count) {
    const Lanes g = load(a.g + i, count) * clip;
    const Lanes m = fma(beta1, load(a.m + i, count), rest1 * g);
    const Lanes v = fma(beta2, load(a.v + i, count), rest2 * g * g);
    const Lanes update = m / (sqrt(v * v_scale) + eps);
    store(a.m + i, m, count);
    store(a.v + i, v, count);
    store(a.p + i, fma(step, update, load(a.p + i, count) * keep), count);
  });
}

void axpby(const AxpbyArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const Lanes scale_x = lanes(a.a), scale_y = lanes(a.b);
  each16(begin, end, [&](std::int64_t i, auto count) {
    store(a.y + i, fma(scale_x, load(a.x + i, count), scale_y * load(a.y + i, count)), count);
  });
}

void square_sum(const SquareSumArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  constexpr std::int64_t kBlock = 4096;
  for (std::int64_t b = begin; b < end; ++b) {
    const std::int64_t from = b * kBlock, to = from + kBlock < a.count ? from + kBlock : a.count;
    Lanes squares = lanes(0);
    each16(from, to, [&](std::int64_t i, auto count) {
      const Lanes x = load(a.x + i, count);
      squares = select(count, fma(x, x, squares), squares);
    });
    a.out[b] = sum(squares);
  }
}

// The NaN that all products write, whatever an instruction set would (kernels/gemm/numbers.h).
Lanes canonical(const Lanes& a) {
  return each_part([&](int i) {
    const Vec nan = hn::BitCast(FloatTag(), hn::Set(WordTag(), 0x7fc00000u));
    return hn::IfThenElse(hn::IsNaN(a.part[i]), nan, a.part[i]);
  });
}

void write_strips(const WriteStripsArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  for (std::int64_t r = begin; r < end; ++r) {
    float* y = a.y + r * a.y_stride;
    each16(a.columns, [&](std::int64_t j, auto count) {
      Lanes value = load(a.sums + j / 16 * a.strip_size + r * 16);
      if (a.bias != nullptr) value = value + load(a.bias + j, count);
      if (a.add) value = load(y + j, count) + value;
      store(y + j, canonical(value), count);
    });
  }
}

}  // namespace

void fill_flat(Kernels& k) {
  k.adam = adam;
  k.axpby = axpby;
  k.square_sum = square_sum;
  k.write_strips = write_strips;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {
void fill_flat(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_flat), HWY_CHOOSE_AVX2(fill_flat),
              HWY_CHOOSE_AVX3(fill_flat), HWY_CHOOSE_NEON(fill_flat))(kernels);
}
}  // namespace bantam::kernels
#endif
