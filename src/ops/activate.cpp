// The non-linearity of a feed-forward block without a gate.
#include "ops/ops.h"

namespace bantam::ops {

Tensor activate(Context& ctx, Activation activation, const Tensor& x) {
  Tensor y = ctx.make(x.shape());
  ctx.rows(ctx.kernels().glu, GluArgs{activation, x.view(), {}, y.view()}, x.rows(),
           4 * x.columns());
  if (ctx.tape)
    ctx.tape->record(y, {x}, [activation, x](Context& c, const Tensor& dy, Grads& d) {
      c.rows(c.kernels().glu_back, GluBackArgs{activation, dy.view(), x.view(), {}, d[x], {}},
             x.rows(), 8 * x.columns());
    });
  return y;
}

}  // namespace bantam::ops
