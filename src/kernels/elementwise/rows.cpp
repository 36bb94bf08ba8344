// Sums, scales, caps, conversions, rotations of rows; sums of columns.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/rows.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

template <class T>
void add_rows(const AddArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.y.columns();
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.a, r), z(a.b, r);
    const Row<T> y(a.y, r);
    each16(width, [&](std::int64_t i, auto count) {
      y.store(i, x.load(i, count) + z.load(i, count), count);
    });
  }
}
void add(const AddArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { add_rows<decltype(t)>(a, begin, end); }, a.y.type, {a.a.type, a.b.type});
}

template <class T>
void add_bias_rows(const AddBiasArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.y.columns();
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r);
    const Row<T> y(a.y, r);
    each16(width, [&](std::int64_t i, auto count) {
      y.store(i, x.load(i, count) + load(a.bias + i, count), count);
    });
  }
}
void add_bias(const AddBiasArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { add_bias_rows<decltype(t)>(a, begin, end); }, a.y.type, {a.x.type});
}

template <class T>
void scale_rows(const ScaleArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.x.columns();
  const Lanes factor = lanes(a.factor);
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r);
    const IntoRow<T> y(a.y, r);
    each16(width, [&](std::int64_t i, auto count) { y.put(i, x.load(i, count) * factor, count); });
  }
}
void scale(const ScaleArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { scale_rows<decltype(t)>(a, begin, end); }, a.x.type, {a.y.view.type});
}

template <class T>
void softcap_rows(const SoftcapArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.x.columns();
  const Lanes cap = lanes(a.cap);
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r);
    const Row<T> y(a.y, r);
    each16(width, [&](std::int64_t i, auto count) {
      y.store(i, cap * tanh(x.load(i, count) / cap), count);
    });
  }
}
void softcap(const SoftcapArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { softcap_rows<decltype(t)>(a, begin, end); }, a.x.type, {a.y.type});
}

template <class T>
void softcap_back_rows(const SoftcapBackArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.y.columns();
  const Lanes cap = lanes(a.cap), one = lanes(1);
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> dy(a.dy, r), y(a.y, r);
    const IntoRow<T> dx(a.dx, r);
    each16(width, [&](std::int64_t i, auto count) {
      const Lanes bend = y.load(i, count) / cap;
      dx.put(i, dy.load(i, count) * fma(-bend, bend, one), count);
    });
  }
}
void softcap_back(const SoftcapBackArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { softcap_back_rows<decltype(t)>(a, begin, end); }, a.y.type,
           {a.dy.type, a.dx.view.type});
}

template <class From, class To>
void convert_rows(const ConvertArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.from.columns();
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<From> from(a.from, r);
    const IntoRow<To> to(a.to, r);
    each16(width, [&](std::int64_t i, auto count) { to.put(i, from.load(i, count), count); });
  }
}
void convert(const ConvertArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  // What a cache keeps of every token.
  if (a.from.type == Type::f32 && a.to.view.type == Type::f16)
    return convert_rows<float, F16>(a, begin, end);
  convert_rows<AnyElement, AnyElement>(a, begin, end);
}

// y_i = fma(x_i, c, -(x_{i+half} s)); y_{i+half} = fma(x_{i+half}, c, x_i s).
template <class T>
void rope_rows(const RopeArgs& a, std::int64_t begin, std::int64_t end) {
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> x(a.x, r);
    const IntoRow<T> y(a.y, r);
    const float* cosines = a.table + static_cast<std::int64_t>(a.positions[r]) * 2 * a.half;
    const float* sines = cosines + a.half;
    for (std::int64_t h = 0; h < a.heads; ++h) {
      const std::int64_t low = h * a.head_dim, high = low + a.half;
      each16(a.half, [&](std::int64_t i, auto count) {
        const Lanes c = load(cosines + i, count), sine = load(sines + i, count);
        const Lanes s = a.inverse ? -sine : sine;
        const Lanes x0 = x.load(low + i, count), x1 = x.load(high + i, count);
        y.put(low + i, fma(x0, c, -(x1 * s)), count);
        y.put(high + i, fma(x1, c, x0 * s), count);
      });
      each16(2 * a.half, a.head_dim,
             [&](std::int64_t i, auto count) { y.put(low + i, x.load(low + i, count), count); });
    }
  }
}
void rope(const RopeArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { rope_rows<decltype(t)>(a, begin, end); }, a.x.type, {a.y.view.type});
}

template <class T>
void column_sum_columns(const ColumnSumArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t rows = a.x.rows();
  each16(begin, end, [&](std::int64_t i, auto count) {
    Lanes column = load(a.column + i, count);
    for (std::int64_t r = 0; r < rows; ++r) column = column + ConstRow<T>(a.x, r).load(i, count);
    store(a.column + i, column, count);
  });
}
void column_sum(const ColumnSumArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  by_types([&](auto t) { column_sum_columns<decltype(t)>(a, begin, end); }, a.x.type, {});
}

}  // namespace

void fill_rows(Kernels& k) {
  k.add = add;
  k.add_bias = add_bias;
  k.scale = scale;
  k.softcap = softcap;
  k.softcap_back = softcap_back;
  k.convert = convert;
  k.rope = rope;
  k.column_sum = column_sum;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {
void fill_rows(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_rows), HWY_CHOOSE_AVX2(fill_rows),
              HWY_CHOOSE_AVX3(fill_rows), HWY_CHOOSE_NEON(fill_rows))(kernels);
}
}  // namespace bantam::kernels
#endif
