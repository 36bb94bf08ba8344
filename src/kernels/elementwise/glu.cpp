// Gated (and plain) activations of feed-forward blocks, and their gradients.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/glu.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

// Each activation: its value, and its derivative besides.
struct Silu {  // x sigmoid(x); derivative s (1 + x (1 - s))
  static HWY_INLINE Lanes value(const Lanes& x) { return x / (lanes(1) + exp(-x)); }
  static HWY_INLINE void both(const Lanes& x, Lanes& y, Lanes& slope) {
    const Lanes s = sigmoid(x);
    y = x * s;
    slope = s * fma(x, lanes(1) - s, lanes(1));
  }
};

// x sigmoid(2u), which is 0.5 x (1 + tanh(u)); u = sqrt(2/pi) (x + 0.044715 x^3) (Hendrycks &
// Gimpel 2016). Derivative s + x s (1 - s) 2u'.
struct GeluTanh {
  static constexpr float kTwiceRoot = 1.59576912f, kCube = 0.044715f;
  static HWY_INLINE Lanes twice_u(const Lanes& x, const Lanes& square) {
    return lanes(kTwiceRoot) * x * fma(lanes(kCube), square, lanes(1));
  }
  static HWY_INLINE Lanes value(const Lanes& x) { return x / (lanes(1) + exp(-twice_u(x, x * x))); }
  static HWY_INLINE void both(const Lanes& x, Lanes& y, Lanes& slope) {
    const Lanes square = x * x, s = sigmoid(twice_u(x, square));
    const Lanes du = lanes(kTwiceRoot) * fma(lanes(3 * kCube), square, lanes(1));
    y = x * s;
    slope = fma(y * (lanes(1) - s), du, s);
  }
};
struct GeluErf {  // x P(N < x); derivative P + x density
  static HWY_INLINE Lanes value(const Lanes& x) {
    Lanes below, density;
    normal(x, below, density);
    return x * below;
  }
  static HWY_INLINE void both(const Lanes& x, Lanes& y, Lanes& slope) {
    Lanes below, density;
    normal(x, below, density);
    y = x * below;
    slope = fma(x, density, below);
  }
};
struct Relu {
  static HWY_INLINE Lanes value(const Lanes& x) { return select(x < lanes(0), lanes(0), x); }
  static HWY_INLINE void both(const Lanes& x, Lanes& y, Lanes& slope) {
    y = value(x);
    slope = select(x > lanes(0), lanes(1), lanes(0));
  }
};
struct Relu2 {  // So et al. 2021 (Primer)
  static HWY_INLINE Lanes value(const Lanes& x) {
    const Lanes y = Relu::value(x);
    return y * y;
  }
  static HWY_INLINE void both(const Lanes& x, Lanes& y, Lanes& slope) {
    const Lanes positive = Relu::value(x);
    y = positive * positive;
    slope = positive + positive;
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
  const bool to_gate = a.dgate.view.data != nullptr, to_up = a.dup.view.data != nullptr;
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
        if (to_up) dup.put(i, g * y, count);
        if (to_gate) dgate.put(i, g * up_i * slope, count);
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

// Calls body(activation, element). Silu is compiled for each element type, and the others once.
template <class Body>
HWY_INLINE void by_activation(Activation activation, Body body, Type first,
                              std::initializer_list<Type> others) {
  switch (activation) {
    case Activation::silu:
      return by_types([&](auto t) { body(Silu{}, t); }, first, others);
    case Activation::gelu_tanh:
      return body(GeluTanh{}, AnyElement{});
    case Activation::gelu_erf:
      return body(GeluErf{}, AnyElement{});
    case Activation::relu:
      return body(Relu{}, AnyElement{});
    case Activation::relu2:
      return body(Relu2{}, AnyElement{});
  }
}

void glu(const GluArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const Type up = a.up.data == nullptr ? a.gate.type : a.up.type;
  by_activation(a.activation,
                [&](auto act, auto t) { glu_rows<decltype(act), decltype(t)>(a, begin, end); },
                a.gate.type, {up, a.y.type});
}

void glu_back(const GluBackArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const bool gated = a.up.data != nullptr;
  const Type up = gated ? a.up.type : a.gate.type;
  const Type dgate = a.dgate.view.data ? a.dgate.view.type : a.gate.type;
  const Type dup = a.dup.view.data ? a.dup.view.type : a.gate.type;
  by_activation(a.activation,
                [&](auto act, auto t) { glu_back_rows<decltype(act), decltype(t)>(a, begin, end); },
                a.gate.type, {a.dy.type, dgate, up, dup});
}

}  // namespace

void fill_glu(Kernels& k) {
  k.glu = glu;
  k.glu_back = glu_back;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {
void fill_glu(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_glu), HWY_CHOOSE_AVX2(fill_glu),
              HWY_CHOOSE_AVX3(fill_glu), HWY_CHOOSE_NEON(fill_glu))(kernels);
}
}  // namespace bantam::kernels
#endif
