// Attention in two steps, for those who look at its weights: softmax of the scores, then the sum of
// the values. ops::attention does both at once and keeps no weight.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/math.h"
#include "ops/ops.h"

namespace bantam::ops {

namespace {

// The columns of one head.
View head_of(const Tensor& t, std::int64_t head, std::int64_t width) {
  View v = t.view();
  if (v.type != Type::f32) throw Error("attention weights are seen in float32 alone");
  v.data += head * width * 4;
  v.shape = {v.rows(), width};
  return v;
}
View head_of(const View& v, std::int64_t head, std::int64_t width) {
  return head_of(Tensor(v, nullptr), head, width);
}

// c (+)= a b, or a^T b: rows of a are summed over.
void times(Context& c, const View& a, bool transposed, const View& b, Into to) {
  const ChainFactor factor{a.as<float>(), transposed ? 1 : a.stride, transposed ? a.stride : 1};
  gemm_chain(c.exec, to.view.rows(), b.rows(), factor, b, to);
}

// Scores of row t, [0, keys), to weights: zeros but for those that it sees.
void to_weights(float* row, std::int64_t keys, std::int64_t first, std::int64_t count,
                const AttentionShape& s) {
  float most = -INFINITY, sum = 0;
  for (std::int64_t j = first; j < first + count; ++j) {
    row[j] *= s.scale;
    if (s.cap > 0) row[j] = s.cap * bantam_tanh(row[j] / s.cap);
    most = std::max(most, row[j]);
  }
  for (std::int64_t j = 0; j < keys; ++j) {
    const bool seen = j >= first && j < first + count;
    row[j] = seen ? bantam_exp(row[j] - most) : 0;
    sum += row[j];
  }
  for (std::int64_t j = first; j < first + count; ++j) row[j] /= sum;
}

// From the gradient of row t's weights p to that of its dot products, in place. `scores` holds
// scale q.k before the cap, which is needed only where there is one.
void to_scores(float* gradient, const float* p, const float* scores, std::int64_t keys,
               const AttentionShape& s) {
  float shift = 0;
  for (std::int64_t j = 0; j < keys; ++j) shift = std::fma(p[j], gradient[j], shift);
  for (std::int64_t j = 0; j < keys; ++j) {
    float slope = s.scale;
    if (s.cap > 0) {
      const float bend = bantam_tanh(scores[j] * s.scale / s.cap);
      slope *= std::fma(-bend, bend, 1.0f);
    }
    gradient[j] = p[j] * (gradient[j] - shift) * slope;
  }
}

}  // namespace

Tensor attention_weights(Context& ctx, const Tensor& q, const Tensor& k, const AttentionShape& s,
                         std::shared_ptr<const AttentionRows> rows) {
  const std::int64_t t = q.rows(), group = s.heads / s.kv_heads, e = s.head_dim;
  require_shape("attention: keys", k, {t, s.kv_heads * e});
  Tensor weights = ctx.make({t, s.heads * t}, Type::f32);
  for (std::int64_t h = 0; h < s.heads; ++h) {
    const View to = head_of(weights, h, t);
    gemm_dot(ctx.exec, head_of(q, h, e), head_of(k, h / group, e), nullptr, {to, false});
    if (ctx.kernels().empty) continue;
    for (std::int64_t r = 0; r < t; ++r)
      to_weights(to.as<float>() + r * to.stride, t, rows->first[static_cast<std::size_t>(r)],
                 rows->count[static_cast<std::size_t>(r)], s);
  }
  if (ctx.tape)
    ctx.tape->record(weights, {q, k}, [=](Context& c, const Tensor& dy, Grads& d) {
      const Into dq = d[q], dk = d[k];  // before the mark: they stay
      const Arena::Mark mark = c.arena.mark();
      const Tensor gradient = c.make({t, t}, Type::f32), scores = c.make({t, t}, Type::f32);
      for (std::int64_t h = 0; h < s.heads; ++h) {
        const View qs = head_of(q, h, e), ks = head_of(k, h / group, e);
        if (s.cap > 0) gemm_dot(c.exec, qs, ks, nullptr, {scores.view(), false});
        c.kernels().convert({head_of(dy, h, t), {gradient.view(), false}}, 0, t);
        for (std::int64_t r = 0; r < t && !c.kernels().empty; ++r)
          to_scores(gradient.f32() + r * t, weights.f32() + (r * s.heads + h) * t,
                    scores.f32() + r * t, t, s);
        if (dq.view.data) times(c, gradient.view(), false, ks, {head_of(dq.view, h, e), dq.add});
        if (dk.view.data)
          times(c, gradient.view(), true, qs,
                {head_of(dk.view, h / group, e), dk.add || h % group > 0});
      }
      c.arena.release(mark);
    });
  return weights;
}

Tensor attend(Context& ctx, const Tensor& weights, const Tensor& v, const AttentionShape& s) {
  const std::int64_t t = v.rows(), group = s.heads / s.kv_heads, e = s.head_dim;
  require_shape("attention: weights", weights, {t, s.heads * t});
  Tensor y = ctx.make({t, s.heads * e}, Type::f32);
  for (std::int64_t h = 0; h < s.heads; ++h)
    times(ctx, head_of(weights, h, t), false, head_of(v, h / group, e), {head_of(y, h, e), false});
  if (ctx.tape)
    ctx.tape->record(y, {weights, v}, [=](Context& c, const Tensor& dy, Grads& d) {
      const Into dw = d[weights], dv = d[v];
      for (std::int64_t h = 0; h < s.heads; ++h) {
        const View dys = head_of(dy, h, e);
        if (dw.view.data)
          gemm_dot(c.exec, dys, head_of(v, h / group, e), nullptr,
                   {head_of(dw.view, h, t), dw.add});
        if (dv.view.data)
          times(c, head_of(weights, h, t), true, dys,
                {head_of(dv.view, h / group, e), dv.add || h % group > 0});
      }
    });
  return y;
}

}  // namespace bantam::ops
