// Gradients of self-attention over documents.
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/attention_back.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam {
namespace HWY_NAMESPACE {

// p = exp(score - lse); dp = dot(dout, v); ds = p (dp - dot(dout, out)) scale [(1 - (s/cap)^2)];
// dq_t = chain over j of fma(ds, k_j, .); dk_j, dv_j: chains over (head of the group, row).
template <class T>
HWY_INLINE float dot(const T* a, const T* b, std::int64_t width) {
  Lanes products = lanes(0);
  each16(width, [&](std::int64_t i, auto count) {
    products = select(count, fma(load(a + i, count), load(b + i, count), products), products);
  });
  return sum(products);
}
template <class T>
HWY_INLINE void chain(float* sums, float factor, const T* x, std::int64_t width) {
  each16(width, [&](std::int64_t i, auto count) {
    store(sums + i, fma(lanes(factor), load(x + i, count), load(sums + i, count)), count);
  });
}
template <class T>
HWY_INLINE const T* at(const ConstView& view, std::int64_t row, std::int64_t column) {
  return reinterpret_cast<const T*>(view.data) + row * view.stride + column;
}
template <class T>
HWY_INLINE void write(const Into& into, std::int64_t row, std::int64_t column, const float* from,
                      std::int64_t width) {
  T* to = reinterpret_cast<T*>(into.view.data) + row * into.view.stride + column;
  each16(width, [&](std::int64_t i, auto count) {
    const Lanes x = load(from + i, count);
    store(to + i, into.add ? load(static_cast<const T*>(to + i), count) + x : x, count);
  });
}

template <class T>
void back(const AttentionBackArgs& a, std::int64_t task, float* scratch) {
  const std::int64_t group = a.heads / a.kv_heads, width = a.head_dim;
  const std::int64_t document = task / a.kv_heads, kv = task % a.kv_heads;
  const std::int64_t begin = a.start[document], rows = a.start[document + 1] - begin;
  float *dk = scratch, *dv = dk + rows * width, *dq = dv + rows * width;
  for (std::int64_t i = 0; i < 2 * rows * width; ++i) dk[i] = 0;
  for (std::int64_t h = kv * group; h < (kv + 1) * group; ++h) {
    for (std::int64_t t = 0; t < rows; ++t) {
      const T* q = at<T>(a.q, begin + t, h * width);
      const T* dout = at<T>(a.dout, begin + t, h * width);
      const float d = dot(dout, at<T>(a.out, begin + t, h * width), width);
      const float lse = a.lse[(begin + t) * a.heads + h];
      for (std::int64_t i = 0; i < width; ++i) dq[i] = 0;
      for (std::int64_t j = t - a.window + 1 < 0 ? 0 : t - a.window + 1; j <= t; ++j) {
        const T* k = at<T>(a.k, begin + j, kv * width);
        const T* v = at<T>(a.v, begin + j, kv * width);
        float score = dot(q, k, width) * a.scale, slope = a.scale;
        if (a.cap > 0) {
          const float bend = tanh(score / a.cap);
          score = a.cap * bend;
          slope = a.scale * __builtin_fmaf(-bend, bend, 1.0f);
        }
        const float p = exp(score - lse);
        const float ds = p * (dot(dout, v, width) - d) * slope;
        chain(dq, ds, k, width);
        chain(dk + j * width, ds, q, width);
        chain(dv + j * width, p, dout, width);
      }
      write<T>(a.dq, begin + t, h * width, dq, width);
    }
  }
  for (std::int64_t j = 0; j < rows; ++j) {
    write<T>(a.dk, begin + j, kv * width, dk + j * width, width);
    write<T>(a.dv, begin + j, kv * width, dv + j * width, width);
  }
}

void attention_back(const AttentionBackArgs& a, std::int64_t task, float* scratch) noexcept {
  if (a.q.type == Type::bf16) return back<Bf16>(a, task, scratch);
  back<float>(a, task, scratch);
}

void fill_attention_back(Kernels& k) { k.attention_back = attention_back; }

}  // namespace HWY_NAMESPACE
}  // namespace bantam
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam {
void fill_attention_back(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_attention_back), HWY_CHOOSE_AVX2(fill_attention_back),
              HWY_CHOOSE_AVX3(fill_attention_back), HWY_CHOOSE_NEON(fill_attention_back))(kernels);
}
}  // namespace bantam
#endif
