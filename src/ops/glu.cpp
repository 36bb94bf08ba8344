// The gate of a feed-forward block: act(gate) * up.
#include "ops/ops.h"

namespace bantam::ops {

Tensor glu(Context& ctx, Activation activation, const Tensor& gate, const Tensor& up) {
  require_shape("glu: up", up, gate.shape());
  Tensor y = ctx.make(gate.shape());
  ctx.rows(ctx.kernels().glu, GluArgs{activation, gate.view(), up.view(), y.view()}, gate.rows(),
           4 * gate.columns());
  if (ctx.tape)
    ctx.tape->record(y, {gate, up}, [activation, gate, up](Context& c, const Tensor& dy, Grads& d) {
      c.rows(c.kernels().glu_back,
             GluBackArgs{activation, dy.view(), gate.view(), up.view(), d[gate], d[up]},
             gate.rows(), 8 * gate.columns());
    });
  return y;
}

}  // namespace bantam::ops
