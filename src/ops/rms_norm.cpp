// y = x / sqrt(mean(x^2) + eps) * gain.
#include "ops/ops.h"

namespace bantam::ops {

Tensor rms_norm(Context& ctx, const Tensor& x, const Tensor& gain, float eps) {
  require_shape("rms_norm: gain", gain, {x.columns()});
  const std::int64_t rows = x.rows(), width = x.columns();
  Tensor y = ctx.make(x.shape());
  Tensor inv = ctx.tape ? ctx.make({rows}, Type::f32) : Tensor();  // spares backward a pass
  ctx.rows(ctx.kernels().rms_norm,
           RmsNormArgs{x.view(), gain.f32(), eps, y.view(), inv ? inv.f32() : nullptr}, rows,
           width);
  if (ctx.tape)
    ctx.tape->record(y, [x, gain, inv, rows, width](Context& c, const Tensor& dy, Grads& d) {
      if (d.wants(gain)) {
        const Into to = d[gain];
        c.rows(c.kernels().rms_norm_gain_back,
               RmsNormGainBackArgs{dy.view(), x.view(), inv.f32(), to.view.as<float>()}, width,
               rows);
      }
      if (d.wants(x))
        c.rows(c.kernels().rms_norm_back,
               RmsNormBackArgs{dy.view(), x.view(), gain.f32(), inv.f32(), d[x]}, rows, width);
    });
  return y;
}

}  // namespace bantam::ops
