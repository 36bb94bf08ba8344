// Gated (and plain) activations of feed-forward blocks, and their gradients.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/glu.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam {
namespace HWY_NAMESPACE {

// Each activation: its value, and its derivative besides.
struct Silu {  // x sigmoid(x); derivative s (1 + x (1 - s))
  static HWY_INLINE Lanes value(const Lanes& x) { return x / (lanes(1) + exp(-x)); }
  static HWY_INLINE void both(const Lanes& x, Lanes& y, Lanes& slope) {
    const Lanes s = sigmoid(x);
    y = x * s;
    slope = s * fma(x, lanes(1) - s, lanes(1));
  }
};

template <class Act, class T>
void glu_rows(const GluArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.gate.columns();
  const bool gated = a.up.data != nullptr;
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> gate(a.gate, r);
    const Row<T> y(a.y, r);
    if (gated) {
      const ConstRow<T> up(a.up, r);
      each16(width, [&](std::int64_t i, auto count) {
        y.store(i, Act::value(gate.load(i, count)) * up.load(i, count), count);
      });
    } else {
      each16(width, [&](std::int64_t i, auto count) {
        y.store(i, Act::value(gate.load(i, count)), count);
      });
    }
  }
}

template <class Act, class T>
void glu_back_rows(const GluBackArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.gate.columns();
  const bool gated = a.up.data != nullptr;
  for (std::int64_t r = begin; r < end; ++r) {
    const ConstRow<T> gate(a.gate, r), dy(a.dy, r);
    const IntoRow<T> dgate(a.dgate, r);
    if (gated) {
      const ConstRow<T> up(a.up, r);
      const IntoRow<T> dup(a.dup, r);
      each16(width, [&](std::int64_t i, auto count) {
        Lanes y, slope;
        Act::both(gate.load(i, count), y, slope);
        const Lanes g = dy.load(i, count);
        const Lanes up_i = up.load(i, count);
        dup.put(i, g * y, count);
        dgate.put(i, g * up_i * slope, count);
      });
    } else {
      each16(width, [&](std::int64_t i, auto count) {
        Lanes y, slope;
        Act::both(gate.load(i, count), y, slope);
        dgate.put(i, dy.load(i, count) * slope, count);
      });
    }
  }
}

template <class Body>
HWY_INLINE void by_activation(Activation activation, Body body) {
  switch (activation) {
    case Activation::silu:
      return body(Silu{});
  }
}

void glu(const GluArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const Type up = a.up.data == nullptr ? a.gate.type : a.up.type;
  by_activation(a.activation, [&](auto act) {
    by_types([&](auto t) { glu_rows<decltype(act), decltype(t)>(a, begin, end); }, a.gate.type,
             {up, a.y.type});
  });
}

void glu_back(const GluBackArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const bool gated = a.up.data != nullptr;
  const Type up = gated ? a.up.type : a.gate.type, dup = gated ? a.dup.view.type : a.gate.type;
  by_activation(a.activation, [&](auto act) {
    by_types([&](auto t) { glu_back_rows<decltype(act), decltype(t)>(a, begin, end); }, a.gate.type,
             {a.dy.type, a.dgate.view.type, up, dup});
  });
}

void fill_glu(Kernels& k) {
  k.glu = glu;
  k.glu_back = glu_back;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam {
void fill_glu(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_glu), HWY_CHOOSE_AVX2(fill_glu),
              HWY_CHOOSE_AVX3(fill_glu), HWY_CHOOSE_NEON(fill_glu))(kernels);
}
}  // namespace bantam
#endif
