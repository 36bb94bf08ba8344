// Attention of query rows over stored keys and values.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/attention.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam {
namespace HWY_NAMESPACE {

template <class A, class B>
HWY_INLINE float dot(const A* a, const B* b, std::int64_t width) {
  Lanes products = lanes(0);
  each16(width, [&](std::int64_t i, auto count) {
    products = select(count, fma(load(a + i, count), load(b + i, count), products), products);
  });
  return sum(products);
}

template <class Q, class K>
HWY_INLINE void attend(const AttentionArgs& a, std::int64_t t, std::int64_t h, float* scores) {
  const std::int64_t width = a.head_dim, keys = a.key_count[t];
  const Q* q = reinterpret_cast<const Q*>(a.q.data) + t * a.q.stride + h * width;
  Q* out = reinterpret_cast<Q*>(a.out.data) + t * a.out.stride + h * width;
  const std::int64_t start =
      a.key_first[t] * a.kv.row_stride + h / (a.heads / a.kv_heads) * a.kv.head_stride;
  const K* k = reinterpret_cast<const K*>(a.kv.k) + start;
  const K* v = reinterpret_cast<const K*>(a.kv.v) + start;
  for (std::int64_t j = 0; j < keys; ++j)
    scores[j] = dot(q, k + j * a.kv.row_stride, width) * a.scale;
  if (a.cap > 0) {
    const Lanes cap = lanes(a.cap);
    each16(keys, [&](std::int64_t j, auto count) {
      store(scores + j, cap * tanh(load(scores + j, count) / cap), count);
    });
  }
  Lanes top = lanes(-__builtin_inff());
  each16(keys, [&](std::int64_t j, auto count) {
    top = select(count, greater(load(scores + j, count), top), top);
  });
  const float peak = highest(top);
  Lanes sums = lanes(0);
  each16(keys, [&](std::int64_t j, auto count) {
    const Lanes e = exp(load(scores + j, count) - lanes(peak));
    store(scores + j, e, count);
    sums = select(count, sums + e, sums);
  });
  const float total = sum(sums), scale = keys == 0 ? 0 : 1.0f / total;
  each16(width, [&](std::int64_t i, auto count) {
    Lanes o = lanes(0);
    for (std::int64_t j = 0; j < keys; ++j)
      o = fma(lanes(scores[j]), load(v + j * a.kv.row_stride + i, count), o);
    store(out + i, o * lanes(scale), count);
  });
  if (a.lse != nullptr) a.lse[t * a.heads + h] = keys == 0 ? -__builtin_inff() : peak + log(total);
}

void attention(const AttentionArgs& a, std::int64_t begin, std::int64_t end,
               float* scratch) noexcept {
  const std::int64_t group = a.heads / a.kv_heads;
  const auto each = [&](auto q, auto k) {
    for (std::int64_t task = begin; task < end; ++task)
      for (std::int64_t h = 0; h < group; ++h)
        attend<decltype(q), decltype(k)>(a, task / a.kv_heads, task % a.kv_heads * group + h,
                                         scratch);
  };
  const auto by_key = [&](auto q) {
    if (a.kv.type == Type::f32) return each(q, float{});
    if (a.kv.type == Type::bf16) return each(q, Bf16{});
    each(q, F16{});
  };
  if (a.q.type == Type::bf16) return by_key(Bf16{});
  by_key(float{});
}

void fill_attention(Kernels& k) { k.attention = attention; }

}  // namespace HWY_NAMESPACE
}  // namespace bantam
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam {
std::int64_t attention_scratch(std::int64_t keys, std::int64_t rows, std::int64_t head_dim) {
  return keys + 16 + 3 * rows * (head_dim + 16);
}
void fill_attention(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_attention), HWY_CHOOSE_AVX2(fill_attention),
              HWY_CHOOSE_AVX3(fill_attention), HWY_CHOOSE_NEON(fill_attention))(kernels);
}
}  // namespace bantam
#endif
