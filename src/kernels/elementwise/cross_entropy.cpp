// Cross-entropy of rows of logits, and its gradient in place.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/cross_entropy.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

// max, then the sum of e^(x - max) in 16 lanes.
HWY_INLINE void soft_sum(const float* x, std::int64_t width, float& peak, float& total) {
  Lanes top = lanes(-__builtin_inff());
  each16(width, [&](std::int64_t i, auto count) {
    top = select(count, greater(load(x + i, count), top), top);
  });
  peak = highest(top);
  const Lanes shift = lanes(peak);
  Lanes sums = lanes(0);
  each16(width, [&](std::int64_t i, auto count) {
    sums = select(count, sums + exp(load(x + i, count) - shift), sums);
  });
  total = sum(sums);
}

template <class T>
HWY_INLINE T rounded(float value) {
  HWY_ALIGN T all[16];
  store(all, lanes(value));
  return all[0];
}

// gradient = e^(x - max) * (weight / sum), less weight at the target.
template <class T>
HWY_INLINE void soft_gradient(const float* x, std::int64_t width, float peak, float scale,
                              std::int64_t target, float weight, T* gradient) {
  const float at_target = exp(x[target] - peak) * scale - weight;
  const Lanes shift = lanes(peak), factor = lanes(scale);
  each16(width, [&](std::int64_t i, auto count) {
    store(gradient + i, exp(load(x + i, count) - shift) * factor, count);
  });
  gradient[target] = rounded<T>(at_target);
}

template <class T>
HWY_INLINE void zeros(T* to, std::int64_t width) {
  each16(width, [&](std::int64_t i, auto count) { store(to + i, lanes(0), count); });
}

template <class T>
void cross_entropy_rows(const CrossEntropyArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.logits.columns();
  for (std::int64_t r = begin; r < end; ++r) {
    const float* x = reinterpret_cast<const float*>(a.logits.data) + r * a.logits.stride;
    T* gradient = a.gradient.data == nullptr
                      ? nullptr
                      : reinterpret_cast<T*>(a.gradient.data) + r * a.gradient.stride;
    const float weight = a.weights[r];
    const std::int64_t target = a.targets[r];
    if (weight == 0 || target < 0) {
      a.losses[r] = 0;
      if (gradient != nullptr) zeros(gradient, width);
      continue;
    }
    float peak, total;
    soft_sum(x, width, peak, total);
    a.losses[r] = weight * (log(total) + (peak - x[target]));
    if (gradient != nullptr)
      soft_gradient(x, width, peak, weight / total, target, weight, gradient);
  }
}
void cross_entropy(const CrossEntropyArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  if (a.gradient.data != nullptr && a.gradient.type == Type::bf16)
    cross_entropy_rows<Bf16>(a, begin, end);
  else
    cross_entropy_rows<float>(a, begin, end);
}

}  // namespace

void fill_cross_entropy(Kernels& k) { k.cross_entropy = cross_entropy; }

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {
void fill_cross_entropy(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_cross_entropy), HWY_CHOOSE_AVX2(fill_cross_entropy),
              HWY_CHOOSE_AVX3(fill_cross_entropy), HWY_CHOOSE_NEON(fill_cross_entropy))(kernels);
}
}  // namespace bantam::kernels
#endif
