// A linear layer with what an adapter adds to it: y = x w^T (+ bias) + scale (x a^T) b^T.
#include "base/error.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace bantam::ops {

Tensor low_rank(Context& ctx, const Tensor& x, const Weight& w, const Tensor& bias, const Weight& a,
                const Weight& b, float scale) {
  const std::int64_t rank = a.dim(0);
  if (x.columns() != w.dim(1))
    throw Error("low_rank: an input of " + std::to_string(w.dim(1)) + " columns was expected, not " +
                std::to_string(x.columns()));
  require_shape("low_rank: a", a.tensor(), {rank, w.dim(1)});
  require_shape("low_rank: b", b.tensor(), {w.dim(0), rank});
  if (bias) require_shape("low_rank: bias", bias, {w.dim(0)});
  Tensor y = ctx.make({x.rows(), w.dim(0)});
  const Arena::Mark mark = ctx.arena.mark();
  const Tensor u = ctx.make({x.rows(), rank});
  const auto scaled = [scale](Context& c, const Tensor& t) {
    c.rows(c.kernels().scale, ScaleArgs{t.view(), scale, {t.view(), false}}, t.rows(), t.columns());
  };
  w.multiply(ctx, x, bias ? bias.f32() : nullptr, {y.view(), false});
  a.multiply(ctx, x, nullptr, {u.view(), false});
  scaled(ctx, u);  // the narrow one: `scale` costs nothing there
  b.multiply(ctx, u, nullptr, {y.view(), true});
  if (!ctx.records({x, w.tensor(), bias, a.tensor(), b.tensor()})) ctx.arena.release(mark);
  if (ctx.tape)
    ctx.tape->record(
        y, {x, w.tensor(), bias, a.tensor(), b.tensor()},
        [=](Context& c, const Tensor& dy, Grads& d) {
          if (float* const dbias = d.sums(bias))
            c.rows(c.kernels().column_sum, ColumnSumArgs{dy.view(), dbias}, dy.columns(), dy.rows());
          if (d.wants(w.tensor())) linear_weight_gradient(c, dy, x, d[w.tensor()]);
          if (d.wants(b.tensor())) linear_weight_gradient(c, dy, u, d[b.tensor()]);
          if (d.wants(x)) w.multiply_transposed(c, dy, d[x]);
          if (!d.wants(x) && !d.wants(a.tensor())) return;
          const Arena::Mark before = c.arena.mark();
          const Tensor du = c.make({dy.rows(), rank});
          b.multiply_transposed(c, dy, {du.view(), false});
          scaled(c, du);
          if (d.wants(a.tensor())) linear_weight_gradient(c, du, x, d[a.tensor()]);
          if (d.wants(x)) a.multiply_transposed(c, du, {d[x].view, true});
          c.arena.release(before);
        });
  return y;
}

}  // namespace bantam::ops
