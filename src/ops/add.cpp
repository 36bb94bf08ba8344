// The residual sum.
#include "ops/ops.h"

namespace bantam::ops {

namespace {

void pass_on(Context& c, const Tensor& dy, Grads& d, const Tensor& x) {
  if (d.wants(x))
    c.rows(c.kernels().convert, ConvertArgs{dy.view(), d[x]}, dy.rows(), dy.columns());
}

}  // namespace

Tensor add(Context& ctx, const Tensor& a, const Tensor& b) {
  require_shape("add: second term", b, a.shape());
  Tensor y = ctx.make(a.shape());
  ctx.rows(ctx.kernels().add, AddArgs{a.view(), b.view(), y.view()}, a.rows(), a.columns());
  if (ctx.tape)
    ctx.tape->record(y, {a, b}, [a, b](Context& c, const Tensor& dy, Grads& d) {
      pass_on(c, dy, d, b);
      pass_on(c, dy, d, a);
    });
  return y;
}

}  // namespace bantam::ops
