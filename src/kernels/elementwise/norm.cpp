// RMS normalisation by rows, and its gradients.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/norm.cpp"
#include "hwy/foreach_target.h"
#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

template <class T>
void rms_norm_rows(const RmsNormArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.x.columns();
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r);
    const Row<T> y(a.y, r);
    Lanes squares = lanes(0);
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes v = x.load(i, count);
      squares = select(count, fma(v, v, squares), squares);
    });
    const float inv = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(width) + a.eps);
    const Lanes scale = lanes(inv);
    each16(width, [&](std::int64_t i, auto count) {
      y.store(i, x.load(i, count) * scale * load(a.gain + i, count), count);
    });
    if (a.inv != nullptr) a.inv[r] = inv;
  }
}

void rms_norm(const RmsNormArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { rms_norm_rows<decltype(t)>(a, begin, end); }, a.x.type, {a.y.type});
}

// dx = inv * (g dy - x c), c = inv^2 mean(g dy x).
template <class T>
void rms_norm_back_rows(const RmsNormBackArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.x.columns();
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r), dy(a.dy, r);
    const IntoRow<T> dx(a.dx, r);
    Lanes products = lanes(0);
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes g_dy = load(a.gain + i, count) * dy.load(i, count);
      products = select(count, fma(g_dy, x.load(i, count), products), products);
    });
    const float inv = a.inv[r];
    const Lanes scale = lanes(inv);
    const Lanes minus_c = lanes(-(inv * inv * (sum(products) / static_cast<float>(width))));
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes g_dy = load(a.gain + i, count) * dy.load(i, count);
      dx.put(i, fma(minus_c, x.load(i, count), g_dy) * scale, count);
    });
  }
}

void rms_norm_back(const RmsNormBackArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { rms_norm_back_rows<decltype(t)>(a, begin, end); }, a.x.type,
           {a.dy.type, a.dx.view.type});
}

template <class T>
void rms_norm_gain_back_columns(const RmsNormGainBackArgs& a, std::int64_t begin,
                                std::int64_t end) {
  const std::int64_t rows = a.x.rows();
  each16(begin, end, [&](std::int64_t i, auto count) {
    Lanes dgain = load(a.dgain + i, count);
    for (std::int64_t r = 0; r < rows; ++r) {
      const Lanes product =
          ConstRow<T>(a.dy, r).load(i, count) * ConstRow<T>(a.x, r).load(i, count);
      dgain = fma(product, lanes(a.inv[r]), dgain);
    }
    store(a.dgain + i, dgain, count);
  });
}

void rms_norm_gain_back(const RmsNormGainBackArgs& a, std::int64_t begin,
                        std::int64_t end) noexcept {
  by_types([&](auto t) { rms_norm_gain_back_columns<decltype(t)>(a, begin, end); }, a.x.type,
           {a.dy.type});
}

}  // namespace

void fill_norm(Kernels& k) {
  k.rms_norm = rms_norm;
  k.rms_norm_back = rms_norm_back;
  k.rms_norm_gain_back = rms_norm_gain_back;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {
void fill_norm(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_norm), HWY_CHOOSE_AVX2(fill_norm),
              HWY_CHOOSE_AVX3(fill_norm), HWY_CHOOSE_NEON(fill_norm))(kernels);
}
}  // namespace bantam::kernels
#endif
