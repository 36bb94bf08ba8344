// y = (x - mean) / sqrt(variance + eps) * gain + bias, over whole rows or over the heads in them.
#include "base/error.h"
#include "ops/ops.h"

namespace bantam::ops {

namespace {

// Columns [first, first + width) of a view.
View part(View v, std::int64_t first, std::int64_t width) {
  v.data += first * (v.type == Type::f32 ? 4 : 2);
  v.shape = {v.rows(), width};
  return v;
}

const float* data(const Tensor& t) { return t ? t.f32() : nullptr; }

}  // namespace

Tensor layer_norm(Context& ctx, const Tensor& x, std::span<const Tensor> gains, const Tensor& bias,
                  float eps) {
  const auto heads = static_cast<std::int64_t>(gains.size());
  if (heads < 1 || x.columns() % heads != 0)
    throw Error("layer_norm: " + std::to_string(heads) + " heads do not fit " +
                std::to_string(x.columns()) + " columns");
  const std::int64_t rows = x.rows(), width = x.columns() / heads;
  for (const Tensor& gain : gains) require_shape("layer_norm: gain", gain, {width});
  if (bias) require_shape("layer_norm: bias", bias, {x.columns()});
  Tensor y = ctx.make(x.shape());
  std::vector<Tape::Input> inputs(gains.begin(), gains.end());
  inputs.insert(inputs.end(), {x, bias});
  const bool back = ctx.tape && ctx.tape->needs(std::span(inputs));
  // Mean and 1 / root of each row of each head: spare backward a pass.
  const Tensor mean = back ? ctx.make({heads, rows}, Type::f32) : Tensor();
  const Tensor inv = back ? ctx.make({heads, rows}, Type::f32) : Tensor();
  for (std::int64_t h = 0; h < heads; ++h)
    ctx.rows(ctx.kernels().layer_norm,
             LayerNormArgs{
                 part(x.view(), h * width, width), gains[static_cast<std::size_t>(h)].f32(),
                 bias ? bias.f32() + h * width : nullptr, eps, part(y.view(), h * width, width),
                 mean ? mean.f32() + h * rows : nullptr, inv ? inv.f32() + h * rows : nullptr},
             rows, width);
  if (!ctx.tape) return y;
  const std::vector<Tensor> all(gains.begin(), gains.end());
  ctx.tape->record(
      y, std::span<const Tape::Input>(inputs), [=](Context& c, const Tensor& dy, Grads& d) {
        const Into dx = d[x];
        float* dbias = d.sums(bias);
        for (std::int64_t h = 0; h < heads; ++h) {
          const Tensor& gain = all[static_cast<std::size_t>(h)];
          const View dys = part(dy.view(), h * width, width), xs = part(x.view(), h * width, width);
          const float* means = mean.f32() + h * rows;
          const float* invs = inv.f32() + h * rows;
          float* dgain = d.sums(gain);
          if (dgain || dbias)
            c.rows(c.kernels().layer_norm_gain_back,
                   LayerNormGainBackArgs{dys, xs, means, invs, dgain,
                                         dbias ? dbias + h * width : nullptr},
                   width, rows);
          if (dx.view.data)
            c.rows(c.kernels().layer_norm_back,
                   LayerNormBackArgs{
                       dys, xs, data(gain), means, invs, {part(dx.view, h * width, width), dx.add}},
                   rows, width);
        }
      });
  return y;
}

}  // namespace bantam::ops
