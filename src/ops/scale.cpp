// Multiplication by one number.
#include "ops/ops.h"

namespace bantam::ops {

Tensor scale(Context& ctx, const Tensor& x, float factor) {
  if (factor == 1) return x;
  Tensor y = ctx.make(x.shape());
  ctx.rows(ctx.kernels().scale, ScaleArgs{x.view(), factor, {y.view(), false}}, x.rows(),
           x.columns());
  if (ctx.tape)
    ctx.tape->record(y, {x}, [x, factor](Context& c, const Tensor& dy, Grads& d) {
      c.rows(c.kernels().scale, ScaleArgs{dy.view(), factor, d[x]}, dy.rows(), dy.columns());
    });
  return y;
}

}  // namespace bantam::ops
