// y = x / sqrt(mean(x^2) + eps) * gain, over whole rows or over the heads in them.
#include "ops/ops.h"

namespace bantam::ops {

namespace {

// Rows of `width` elements: each head of a contiguous row becomes a row.
View by_width(const View& v, std::int64_t width) {
  if (v.columns() == width) return v;
  return View(v.data, v.type, {v.rows() * (v.columns() / width), width});
}

}  // namespace

Tensor rms_norm(Context& ctx, const Tensor& x, const Tensor& gain, float eps) {
  const std::int64_t width = gain.shape().back();
  const bool heads = width > 0 && x.columns() % width == 0 && x.view().stride == x.columns();
  require_shape("rms_norm: gain", gain, {heads ? width : x.columns()});
  Tensor y = ctx.make(x.shape());
  const View from = by_width(x.view(), width);
  const std::int64_t rows = from.rows();
  const Tensor inv =
      ctx.records({x, gain}) ? ctx.make({rows}, Type::f32) : Tensor();  // spares backward a pass
  ctx.rows(ctx.kernels().rms_norm,
           RmsNormArgs{from, gain.f32(), eps, by_width(y.view(), width), inv ? inv.f32() : nullptr},
           rows, width);
  if (ctx.tape)
    ctx.tape->record(
        y, {x, gain}, [x, gain, inv, rows, width](Context& c, const Tensor& dy, Grads& d) {
          const View dys = by_width(dy.view(), width), xs = by_width(x.view(), width);
          if (float* const dgain = d.sums(gain))
            c.rows(c.kernels().rms_norm_gain_back, RmsNormGainBackArgs{dys, xs, inv.f32(), dgain},
                   width, rows);
          if (d.wants(x)) {
            const Into to = d[x];
            c.rows(
                c.kernels().rms_norm_back,
                RmsNormBackArgs{dys, xs, gain.f32(), inv.f32(), {by_width(to.view, width), to.add}},
                rows, width);
          }
        });
  return y;
}

}  // namespace bantam::ops
