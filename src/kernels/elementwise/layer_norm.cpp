// Layer normalisation by rows (Ba et al. 2016), and its gradients.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/layer_norm.cpp"
#include "hwy/foreach_target.h"
#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

template <class T>
void layer_norm_rows(const LayerNormArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.x.columns();
  const auto count_all = static_cast<float>(width);
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r);
    const Row<T> y(a.y, r);
    Lanes sums = lanes(0);
    each16(width, [&](std::int64_t i, auto count) { sums = sums + x.load(i, count); });
    const float mean = sum(sums) / count_all;
    const Lanes center = lanes(mean);
    Lanes squares = lanes(0);
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes v = x.load(i, count) - center;
      squares = select(count, fma(v, v, squares), squares);
    });
    const float inv = 1.0f / __builtin_sqrtf(sum(squares) / count_all + a.eps);
    const Lanes scale = lanes(inv);
    each16(width, [&](std::int64_t i, auto count) {
      Lanes v = (x.load(i, count) - center) * scale;
      const Lanes gain = a.gain == nullptr ? lanes(1) : load(a.gain + i, count);
      v = a.bias == nullptr ? v * gain : fma(v, gain, load(a.bias + i, count));
      y.store(i, v, count);
    });
    if (a.mean != nullptr) a.mean[r] = mean;
    if (a.inv != nullptr) a.inv[r] = inv;
  }
}

void layer_norm(const LayerNormArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { layer_norm_rows<decltype(t)>(a, begin, end); }, a.x.type, {a.y.type});
}

// dx = inv * fma(-xh, mean(g dy xh), g dy - mean(g dy)).
template <class T>
void layer_norm_back_rows(const LayerNormBackArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.x.columns();
  const auto count_all = static_cast<float>(width);
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r), dy(a.dy, r);
    const IntoRow<T> dx(a.dx, r);
    const Lanes center = lanes(a.mean[r]), scale = lanes(a.inv[r]);
    const auto g_dy = [&](std::int64_t i, auto count) {
      const Lanes gain = a.gain == nullptr ? lanes(1) : load(a.gain + i, count);
      return gain * dy.load(i, count);
    };
    Lanes sums = lanes(0), products = lanes(0);
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes g = g_dy(i, count), xh = (x.load(i, count) - center) * scale;
      sums = sums + g;
      products = select(count, fma(g, xh, products), products);
    });
    const Lanes mean_g = lanes(sum(sums) / count_all);
    const Lanes minus_mean = lanes(-(sum(products) / count_all));
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes xh = (x.load(i, count) - center) * scale;
      dx.put(i, fma(xh, minus_mean, g_dy(i, count) - mean_g) * scale, count);
    });
  }
}

void layer_norm_back(const LayerNormBackArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { layer_norm_back_rows<decltype(t)>(a, begin, end); }, a.x.type,
           {a.dy.type, a.dx.view.type});
}

template <class T>
void layer_norm_gain_back_columns(const LayerNormGainBackArgs& a, std::int64_t begin,
                                  std::int64_t end) {
  const std::int64_t rows = a.x.rows();
  each16(begin, end, [&](std::int64_t i, auto count) {
    Lanes dgain = a.dgain == nullptr ? lanes(0) : load(a.dgain + i, count);
    Lanes dbias = a.dbias == nullptr ? lanes(0) : load(a.dbias + i, count);
    for (std::int64_t r = 0; r < rows; ++r) {
      const Lanes dy = ConstRow<T>(a.dy, r).load(i, count);
      const Lanes x = ConstRow<T>(a.x, r).load(i, count) - lanes(a.mean[r]);
      dgain = fma(dy * x, lanes(a.inv[r]), dgain);
      dbias = dbias + dy;
    }
    if (a.dgain != nullptr) store(a.dgain + i, dgain, count);
    if (a.dbias != nullptr) store(a.dbias + i, dbias, count);
  });
}

void layer_norm_gain_back(const LayerNormGainBackArgs& a, std::int64_t begin,
                          std::int64_t end) noexcept {
  by_types([&](auto t) { layer_norm_gain_back_columns<decltype(t)>(a, begin, end); }, a.x.type,
           {a.dy.type});
}

}  // namespace

void fill_layer_norm(Kernels& k) {
  k.layer_norm = layer_norm;
  k.layer_norm_back = layer_norm_back;
  k.layer_norm_gain_back = layer_norm_gain_back;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {
void fill_layer_norm(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_layer_norm), HWY_CHOOSE_AVX2(fill_layer_norm),
              HWY_CHOOSE_AVX3(fill_layer_norm), HWY_CHOOSE_NEON(fill_layer_norm))(kernels);
}
}  // namespace bantam::kernels
#endif
