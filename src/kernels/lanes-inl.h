// Sixteen virtual lanes of float32 over Highway's vectors: one AVX-512 register, two of AVX2, four
// of NEON, sixteen scalars. A kernel written over `Lanes` gives the same bytes on each. Included
// once a target (hwy/foreach_target.h); `Lanes` live in registers, so everything here is inlined.
//
// Rules of arithmetic, the same for every target:
//   - multiply-adds go through fma() (one rounding);
//   - a sum keeps 16 lanes, lane = index mod 16, and folds them in one tree:
//     r1[l] = a[l] + a[l+8]; r2[l] = r1[l] + r1[l+4]; r3[l] = r2[l] + r2[l+2]; r = r3[0] + r3[1];
//     a rest of fewer than 16 is added to the first lanes only;
//   - greater(a, b) keeps b unless a > b: a NaN in `a` is passed over, and of -0 and 0 b stays.
#if defined(BANTAM_KERNELS_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BANTAM_KERNELS_LANES_INL_H_
#undef BANTAM_KERNELS_LANES_INL_H_
#else
#define BANTAM_KERNELS_LANES_INL_H_
#endif

#include "kernels/lane_types.h"  // before Highway

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using WordTag = hn::RebindToUnsigned<FloatTag>;
using ShortTag = hn::Rebind<std::uint16_t, FloatTag>;
using Vec = hn::Vec<FloatTag>;
using Words = hn::Vec<WordTag>;
using Shorts = hn::Vec<ShortTag>;
inline constexpr int kWidth = static_cast<int>(hn::MaxLanes(FloatTag()));
inline constexpr int kParts = 16 / kWidth;
static_assert(kParts * kWidth == 16);

// ---- one vector of whatever width --------------------------------------------------------------

HWY_INLINE Vec vec(float value) { return hn::Set(FloatTag(), value); }

// a * b + c, rounded once.
HWY_INLINE Vec fma(Vec a, Vec b, Vec c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#elif HWY_TARGET == HWY_SCALAR
  return Vec(__builtin_fmaf(a.raw, b.raw, c.raw));
#else
  HWY_ALIGN float x[kWidth], y[kWidth], z[kWidth];
  hn::Store(a, FloatTag(), x);
  hn::Store(b, FloatTag(), y);
  hn::Store(c, FloatTag(), z);
  for (int i = 0; i < kWidth; ++i) z[i] = __builtin_fmaf(x[i], y[i], z[i]);
  return hn::Load(FloatTag(), z);
#endif
}

// a > b ? a : b.
HWY_INLINE Vec greater(Vec a, Vec b) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Max(a, b);  // MAXPS is just that
#else
  return hn::IfThenElse(hn::Gt(a, b), a, b);
#endif
}

// Bits of bf16 in the lower halves; to nearest even; a NaN stays one (blocks/half.h).
HWY_INLINE Words round_to_bf16(Vec v) {
  const WordTag w;
  const Words bits = hn::BitCast(w, v);
  const Words upper = hn::ShiftRight<16>(bits);
  const Words even = hn::Add(bits, hn::Add(hn::And(upper, hn::Set(w, 1u)), hn::Set(w, 0x7fffu)));
  const auto is_nan = hn::RebindMask(w, hn::IsNaN(v));  // (Highway's Ne is false for NaN on x86)
  return hn::IfThenElse(is_nan, hn::Or(upper, hn::Set(w, 0x40u)), hn::ShiftRight<16>(even));
}

// 16-bit elements to and from float32.
HWY_INLINE Vec widened(Bf16, Shorts bits) {
  return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(hn::PromoteTo(WordTag(), bits)));
}
HWY_INLINE Shorts narrowed(Bf16, Vec v) { return hn::TruncateTo(ShortTag(), round_to_bf16(v)); }
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
HWY_INLINE Vec widened(F16, Shorts bits) {
  std::uint16_t in[kWidth];
  float out[kWidth];
  hn::StoreU(bits, ShortTag(), in);
  for (int i = 0; i < kWidth; ++i) out[i] = half_to_float(in[i]);
  return hn::LoadU(FloatTag(), out);
}
HWY_INLINE Shorts narrowed(F16, Vec v) {
  float in[kWidth];
  std::uint16_t out[kWidth];
  hn::StoreU(v, FloatTag(), in);
  for (int i = 0; i < kWidth; ++i) out[i] = float_to_half(in[i]);
  return hn::LoadU(ShortTag(), out);
}
#else
using HalfTag = hn::Rebind<hwy::float16_t, FloatTag>;
HWY_INLINE Vec widened(F16, Shorts bits) {
  return hn::PromoteTo(FloatTag(), hn::BitCast(HalfTag(), bits));
}
HWY_INLINE Shorts narrowed(F16, Vec v) {
  return hn::BitCast(ShortTag(), hn::DemoteTo(HalfTag(), v));
}
#endif

HWY_INLINE Vec load_vec(const float* p) { return hn::LoadU(FloatTag(), p); }
template <class T>
HWY_INLINE Vec load_vec(const T* p) {
  return widened(T{}, hn::LoadU(ShortTag(), reinterpret_cast<const std::uint16_t*>(p)));
}
HWY_INLINE void store_vec(float* p, Vec v) { hn::StoreU(v, FloatTag(), p); }
template <class T>
HWY_INLINE void store_vec(T* p, Vec v) {
  hn::StoreU(narrowed(T{}, v), ShortTag(), reinterpret_cast<std::uint16_t*>(p));
}

// ---- sixteen lanes -----------------------------------------------------------------------------

struct Lanes {
  Vec part[kParts];
};
struct Mask {
  hn::Mask<FloatTag> part[kParts];
};

template <class F>
HWY_INLINE Lanes each_part(F f) {
  Lanes out;
  for (int i = 0; i < kParts; ++i) out.part[i] = f(i);
  return out;
}
template <class F>
HWY_INLINE Mask each_mask(F f) {
  Mask out;
  for (int i = 0; i < kParts; ++i) out.part[i] = f(i);
  return out;
}

HWY_INLINE Lanes lanes(float value) {
  return each_part([&](int) { return vec(value); });
}
HWY_INLINE Lanes operator+(const Lanes& a, const Lanes& b) {
  return each_part([&](int i) { return hn::Add(a.part[i], b.part[i]); });
}
HWY_INLINE Lanes operator-(const Lanes& a, const Lanes& b) {
  return each_part([&](int i) { return hn::Sub(a.part[i], b.part[i]); });
}
HWY_INLINE Lanes operator*(const Lanes& a, const Lanes& b) {
  return each_part([&](int i) { return hn::Mul(a.part[i], b.part[i]); });
}
HWY_INLINE Lanes operator/(const Lanes& a, const Lanes& b) {
  return each_part([&](int i) { return hn::Div(a.part[i], b.part[i]); });
}
HWY_INLINE Lanes operator-(const Lanes& a) {
  return each_part([&](int i) { return hn::Neg(a.part[i]); });
}
HWY_INLINE Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
  return each_part([&](int i) { return fma(a.part[i], b.part[i], c.part[i]); });
}
HWY_INLINE Lanes sqrt(const Lanes& a) {
  return each_part([&](int i) { return hn::Sqrt(a.part[i]); });
}
HWY_INLINE Lanes greater(const Lanes& a, const Lanes& b) {
  return each_part([&](int i) { return greater(a.part[i], b.part[i]); });
}
HWY_INLINE Mask operator>(const Lanes& a, const Lanes& b) {
  return each_mask([&](int i) { return hn::Gt(a.part[i], b.part[i]); });
}
HWY_INLINE Mask operator<(const Lanes& a, const Lanes& b) { return b > a; }
HWY_INLINE Lanes select(const Mask& m, const Lanes& yes, const Lanes& no) {
  return each_part([&](int i) { return hn::IfThenElse(m.part[i], yes.part[i], no.part[i]); });
}
// The first `count` lanes.
HWY_INLINE Mask first(int count) {
  return each_mask([&](int i) {
    const int rest = count - i * kWidth;
    const int n = rest < 0 ? 0 : rest < kWidth ? rest : kWidth;
    return hn::FirstN(FloatTag(), static_cast<std::size_t>(n));
  });
}

// Lanes begin <= l < end; either may lie outside 0 ... 16.
HWY_INLINE Mask between(std::int64_t begin, std::int64_t end) {
  const auto clamped = [](std::int64_t n) { return static_cast<int>(n < 0 ? 0 : n < 16 ? n : 16); };
  const Mask from = first(clamped(begin)), to = first(clamped(end));
  return each_mask([&](int i) { return hn::AndNot(from.part[i], to.part[i]); });
}

// Calls body(Index<0>()) ... body(Index<N - 1>()): loops over arrays of registers, which a compiler
// keeps in registers only when it sees every index as a constant early.
template <int N>
struct Index {
  static constexpr int value = N;
};
template <int N, int Begin = 0, class Body>
HWY_INLINE void repeat(const Body& body) {
  if constexpr (Begin < N) {
    body(Index<Begin>());
    repeat<N, Begin + 1>(body);
  }
}

// ---- memory ------------------------------------------------------------------------------------

template <class T>
HWY_INLINE Lanes load(const T* p) {
  return each_part([&](int i) { return load_vec(p + i * kWidth); });
}
template <class T>
HWY_INLINE void store(T* p, const Lanes& a) {
  for (int i = 0; i < kParts; ++i) store_vec(p + i * kWidth, a.part[i]);
}
template <class T>
HWY_INLINE Lanes load(const T* p, AllLanes) {
  return load(p);
}
template <class T>
HWY_INLINE void store(T* p, const Lanes& a, AllLanes) {
  store(p, a);
}
// Only the first lanes are touched; the others read as zero.
#if HWY_CAP_GE512 && !HWY_MEM_OPS_MIGHT_FAULT
HWY_INLINE Lanes load(const float* p, FirstLanes lanes) {
  return {{hn::MaskedLoad(hn::FirstN(FloatTag(), lanes.size()), FloatTag(), p)}};
}
template <class T>
HWY_INLINE Lanes load(const T* p, FirstLanes lanes) {
  const ShortTag s;
  const auto* from = reinterpret_cast<const std::uint16_t*>(p);
  return {{widened(T{}, hn::MaskedLoad(hn::FirstN(s, lanes.size()), s, from))}};
}
HWY_INLINE void store(float* p, const Lanes& a, FirstLanes lanes) {
  hn::BlendedStore(a.part[0], hn::FirstN(FloatTag(), lanes.size()), FloatTag(), p);
}
template <class T>
HWY_INLINE void store(T* p, const Lanes& a, FirstLanes lanes) {
  const ShortTag s;
  auto* to = reinterpret_cast<std::uint16_t*>(p);
  hn::BlendedStore(narrowed(T{}, a.part[0]), hn::FirstN(s, lanes.size()), s, to);
}
#else
template <class T>
HWY_INLINE Lanes load(const T* p, FirstLanes lanes) {
  HWY_ALIGN T whole[16];
  for (int i = 0; i < 16; ++i) whole[i] = i < lanes.count ? p[i] : T{};
  return load(static_cast<const T*>(whole));
}
template <class T>
HWY_INLINE void store(T* p, const Lanes& a, FirstLanes lanes) {
  HWY_ALIGN T whole[16];
  store(whole, a);
  for (int i = 0; i < lanes.count; ++i) p[i] = whole[i];
}
#endif
HWY_INLINE Lanes select(AllLanes, const Lanes& yes, const Lanes&) { return yes; }
HWY_INLINE Lanes select(FirstLanes lanes, const Lanes& yes, const Lanes& no) {
  return select(first(lanes.count), yes, no);
}

// Calls body(i, lanes) for i = 0, 16, 32 ... < count; `lanes` is FirstLanes for a last, shorter
// piece.
template <class Body>
HWY_INLINE void each16(std::int64_t begin, std::int64_t end, Body body) {
  std::int64_t i = begin;
  for (; i + 16 <= end; i += 16) body(i, AllLanes{});
  if (i < end) body(i, FirstLanes{static_cast<int>(end - i)});
}
template <class Body>
HWY_INLINE void each16(std::int64_t count, Body body) {
  each16(0, count, body);
}

// ---- reductions --------------------------------------------------------------------------------

#if HWY_TARGET != HWY_SCALAR
// Halves added together until four lanes are left.
template <class V>
HWY_INLINE auto halved(V v) {
  const hn::DFromV<V> d;
  if constexpr (hn::MaxLanes(d) == 4) {
    return v;
  } else {
    const hn::Half<decltype(d)> half;
    return halved(hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}
#endif

// The tree above.
HWY_INLINE float sum(const Lanes& a) {
#if HWY_TARGET == HWY_SCALAR
  float r[16];
  store(r, a);
  for (int half = 8; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) r[l] += r[l + half];
  return r[0];
#else
  Vec whole[kParts];
  for (int i = 0; i < kParts; ++i) whole[i] = a.part[i];
  for (int half = kParts / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) whole[i] = hn::Add(whole[i], whole[i + half]);
  const auto r2 = halved(whole[0]);
  const auto r3 = hn::Add(r2, hn::Shuffle1032(r2));
  return hn::GetLane(hn::Add(r3, hn::Shuffle2301(r3)));
#endif
}
// The greatest lane; lane order breaks ties of -0 and 0.
HWY_INLINE float highest(const Lanes& a) {
  HWY_ALIGN float r[16];
  store(r, a);
  for (int half = 8; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) r[l] = r[l + half] > r[l] ? r[l + half] : r[l];
  return r[0];
}

// ---- rows of views ---------------------------------------------------------------------------

// Calls body(pointer) with row[i] ... as the type says.
template <class Byte, class Body>
HWY_INLINE void typed(Byte* row, Type type, std::int64_t i, Body body) {
  const auto at = [&](auto t) BANTAM_INLINED {
    using Element = decltype(t);
    using Pointer = std::conditional_t<std::is_const_v<Byte>, const Element*, Element*>;
    body(reinterpret_cast<Pointer>(row) + i);
  };
  if (type == Type::f32) return at(float{});
  if (type == Type::bf16) return at(Bf16{});
  at(F16{});
}
// Calls, not inlined: rows of mixed types are rare, and not worth the code.
HWY_NOINLINE inline void widen16(const std::byte* row, Type type, std::int64_t i, int count,
                                 float* to) {
  typed(row, type, i, [&](const auto* from) BANTAM_INLINED {
    store(to, count == 16 ? load(from) : load(from, FirstLanes{count}));
  });
}
HWY_NOINLINE inline void narrow16(const float* from, std::byte* row, Type type, std::int64_t i,
                                  int count) {
  typed(row, type, i, [&](auto* to) BANTAM_INLINED {
    if (count == 16) return store(to, load(from));
    store(to, load(from), FirstLanes{count});
  });
}
HWY_INLINE std::int64_t row_bytes(Type type, std::int64_t elements) {
  return elements * (type == Type::f32 ? 4 : 2);
}

// Row `r` of a view whose elements are T; AnyElement looks at the view's type at each access.
template <class T>
class ConstRow {
 public:
  ConstRow(const ConstView& view, std::int64_t r)
      : p_(reinterpret_cast<const T*>(view.data) + r * view.stride) {}
  template <class Count>
  HWY_INLINE Lanes load(std::int64_t i, Count lanes) const {
    return HWY_NAMESPACE::load(p_ + i, lanes);
  }

 private:
  const T* p_;
};
template <>
class ConstRow<AnyElement> {
 public:
  ConstRow(const ConstView& view, std::int64_t r)
      : p_(view.data + row_bytes(view.type, r * view.stride)), type_(view.type) {}
  template <class Count>
  HWY_INLINE Lanes load(std::int64_t i, Count lanes) const {
    HWY_ALIGN float wide[16];
    widen16(p_, type_, i, lanes.count, wide);
    return HWY_NAMESPACE::load(static_cast<const float*>(wide));
  }

 private:
  const std::byte* p_;
  Type type_;
};

template <class T>
class Row {
 public:
  Row(const View& view, std::int64_t r) : p_(reinterpret_cast<T*>(view.data) + r * view.stride) {}
  template <class Count>
  HWY_INLINE Lanes load(std::int64_t i, Count lanes) const {
    return HWY_NAMESPACE::load(static_cast<const T*>(p_ + i), lanes);
  }
  template <class Count>
  HWY_INLINE void store(std::int64_t i, const Lanes& a, Count lanes) const {
    HWY_NAMESPACE::store(p_ + i, a, lanes);
  }

 private:
  T* p_;
};
template <>
class Row<AnyElement> {
 public:
  Row(const View& view, std::int64_t r)
      : p_(view.data + row_bytes(view.type, r * view.stride)), type_(view.type) {}
  template <class Count>
  HWY_INLINE Lanes load(std::int64_t i, Count lanes) const {
    HWY_ALIGN float wide[16];
    widen16(p_, type_, i, lanes.count, wide);
    return HWY_NAMESPACE::load(static_cast<const float*>(wide));
  }
  template <class Count>
  HWY_INLINE void store(std::int64_t i, const Lanes& a, Count lanes) const {
    HWY_ALIGN float wide[16];
    HWY_NAMESPACE::store(wide, a);
    narrow16(wide, p_, type_, i, lanes.count);
  }

 private:
  std::byte* p_;
  Type type_;
};

// Row `r` of a result that is written or added to.
template <class T>
class IntoRow {
 public:
  IntoRow(const Into& into, std::int64_t r) : row_(into.view, r), add_(into.add) {}
  template <class Count>
  HWY_INLINE void put(std::int64_t i, const Lanes& a, Count lanes) const {
    row_.store(i, add_ ? row_.load(i, lanes) + a : a, lanes);
  }

 private:
  Row<T> row_;
  bool add_;
};

// Calls body(element) with float or Bf16 when all types are that one, else with AnyElement: the two
// cases that training and inference consist of are compiled apart, the mixed ones share code.
template <class Body>
HWY_INLINE void by_types(Body body, Type first, std::initializer_list<Type> others) {
  bool same = true;
  for (const Type type : others) same = same && type == first;
  if (same && first == Type::f32) return body(float{});
  if (same && first == Type::bf16) return body(Bf16{});
  body(AnyElement{});
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
