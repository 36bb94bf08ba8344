// The output head and the loss in one: logits exist for some rows at a time, never all.
#include <algorithm>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace bantam::ops {

namespace {

// Rows of logits at a time: about 4 MiB of them, which the shared cache keeps. A multiple of 32, so
// that bf16 sums over tokens fall into the same steps as if all rows were taken at once.
std::int64_t rows_at_a_time(std::int64_t rows, std::int64_t vocabulary) {
  const std::int64_t fit = (std::int64_t{1} << 20) / vocabulary / 32 * 32;
  return std::min(rows, std::max<std::int64_t>(fit, 32));
}

Tensor part(const Tensor& t, std::int64_t first, std::int64_t count) {
  View v = t.view();
  v.data += first * v.stride * (v.type == Type::f32 ? 4 : 2);
  v.shape = {count, t.columns()};
  return Tensor(v, nullptr);
}

}  // namespace

Tensor cross_entropy(Context& ctx, const Tensor& x, const Tensor& w,
                     std::span<const std::int32_t> targets, std::span<const float> weights,
                     float cap, const Tensor& bias) {
  const std::int64_t rows = x.rows(), vocabulary = w.dim(0);
  if (static_cast<std::int64_t>(targets.size()) != rows || targets.size() != weights.size())
    throw Error("cross_entropy: a target and a weight for each row were expected");
  if (bias) require_shape("cross_entropy: bias", bias, {vocabulary});
  Tensor losses = ctx.make({rows}, Type::f32);
  const bool back = ctx.tape != nullptr;
  // The gradient is made here, while the logits are at hand; what backward does is to hand it on.
  Tensor dx = back && x.slot() >= 0 ? ctx.make(x.shape(), x.type()) : Tensor();
  Grads grads(ctx, ctx.tape);  // a parameter's gradient has its place already
  const Type saved = ctx.activation;
  const Arena::Mark mark = ctx.arena.mark();
  const std::int64_t piece = rows_at_a_time(rows, vocabulary);
  for (std::int64_t first = 0; first < rows; first += piece) {
    ctx.arena.release(mark);
    const std::int64_t count = std::min(piece, rows - first);
    const Tensor xs = part(x, first, count);
    const Tensor logits = ctx.make({count, vocabulary}, Type::f32);
    linear_forward(ctx, xs, w, bias ? bias.f32() : nullptr, {logits.view(), false});
    if (cap > 0)
      ctx.rows(ctx.kernels().softcap, SoftcapArgs{logits.view(), cap, logits.view()}, count,
               4 * vocabulary);
    // The gradient lies where the logits were, but capped logits are needed once more.
    Tensor gradient;
    if (back) gradient = saved == Type::f32 && cap <= 0 ? logits : ctx.make(logits.shape(), saved);
    ctx.rows(ctx.kernels().cross_entropy,
             CrossEntropyArgs{logits.view(), targets.data() + first, weights.data() + first,
                              losses.f32() + first, gradient.view()},
             count, 8 * vocabulary);
    if (!back) continue;
    if (cap > 0)
      ctx.rows(ctx.kernels().softcap_back,
               SoftcapBackArgs{gradient.view(), logits.view(), cap, {gradient.view(), false}},
               count, 2 * vocabulary);
    if (bias && grads.wants(bias))
      ctx.rows(ctx.kernels().column_sum,
               ColumnSumArgs{gradient.view(), grads[bias].view.as<float>()}, vocabulary, count);
    if (grads.wants(w)) linear_weight_gradient(ctx, gradient, xs, grads[w]);
    if (dx) linear_input_gradient(ctx, gradient, w, {part(dx, first, count).view(), false});
  }
  ctx.arena.release(mark);
  if (back)
    ctx.tape->record(
        losses,
        [x, dx](Context& c, const Tensor&, Grads& d) {
          if (dx)
            c.rows(c.kernels().convert, ConvertArgs{dx.view(), d[x]}, dx.rows(), dx.columns());
        },
        true);
  return losses;
}

}  // namespace bantam::ops
