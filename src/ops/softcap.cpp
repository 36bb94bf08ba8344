// Soft caps: cap * tanh(x / cap) (Gemma Team 2024, arXiv:2408.00118, section 2).
#include "ops/ops.h"

namespace bantam::ops {

Tensor softcap(Context& ctx, const Tensor& x, float cap) {
  if (cap == 0) return x;
  Tensor y = ctx.make(x.shape());
  ctx.rows(ctx.kernels().softcap, SoftcapArgs{x.view(), cap, y.view()}, x.rows(), 4 * x.columns());
  if (ctx.tape)
    ctx.tape->record(y, {x}, [x, y, cap](Context& c, const Tensor& dy, Grads& d) {
      c.rows(c.kernels().softcap_back, SoftcapBackArgs{dy.view(), y.view(), cap, d[x]}, dy.rows(),
             dy.columns());
    });
  return y;
}

}  // namespace bantam::ops
