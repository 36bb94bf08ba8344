// Columns scaled each by its own number. Few layers want it, so it is plain loops over float32 rows
// in the baseline's instructions: products and sums rounded one by one, the same bytes everywhere.
#include "blocks/half.h"
#include "ops/ops.h"

namespace bantam::ops {

namespace {

// Rows of either activation type, a number at a time.
float read(const ConstView& v, std::int64_t r, std::int64_t c) {
  const std::int64_t at = r * v.stride + c;
  return v.type == Type::f32 ? reinterpret_cast<const float*>(v.data)[at]
                             : bf16_to_float(reinterpret_cast<const std::uint16_t*>(v.data)[at]);
}
void write(const Into& to, std::int64_t r, std::int64_t c, float value) {
  if (to.add) value = read(to.view, r, c) + value;
  const std::int64_t at = r * to.view.stride + c;
  if (to.view.type == Type::f32)
    to.view.as<float>()[at] = value;
  else
    reinterpret_cast<std::uint16_t*>(to.view.data)[at] = float_to_bf16(value);
}

struct Factors {
  Tensor gain, inverse;

  // to = from * factor (+ bias).
  void run(Context& ctx, const ConstView& from, const float* bias, const Into& to) const {
    if (ctx.kernels().empty) return;
    ctx.exec.pool.parallel_ranges(from.rows(), 8, [&](std::int64_t begin, std::int64_t end, unsigned) {
      for (std::int64_t r = begin; r < end; ++r)
        for (std::int64_t c = 0; c < from.columns(); ++c) {
          const float product = read(from, r, c) * (gain.f32()[c] * inverse.f32()[c]);
          write(to, r, c, bias ? product + bias[c] : product);
        }
    });
  }
  // dgain continued over the rows.
  void gain_back(Context& ctx, const ConstView& dy, const ConstView& x, float* dgain) const {
    if (ctx.kernels().empty) return;
    ctx.exec.pool.parallel_ranges(x.columns(), 16, [&](std::int64_t begin, std::int64_t end, unsigned) {
      for (std::int64_t r = 0; r < x.rows(); ++r)
        for (std::int64_t c = begin; c < end; ++c)
          dgain[c] = dgain[c] + read(dy, r, c) * read(x, r, c) * inverse.f32()[c];
    });
  }
};

}  // namespace

Tensor scale_columns(Context& ctx, const Tensor& x, const Tensor& gain, const Tensor& inverse,
                     const Tensor& bias) {
  require_shape("scale_columns: gain", gain, {x.columns()});
  require_shape("scale_columns: inverse", inverse, {x.columns()});
  if (bias) require_shape("scale_columns: bias", bias, {x.columns()});
  Tensor y = ctx.make(x.shape());
  const Factors factors{gain, inverse};
  factors.run(ctx, x.view(), bias ? bias.f32() : nullptr, {y.view(), false});
  if (ctx.tape)
    ctx.tape->record(y, {x, gain, bias}, [=](Context& c, const Tensor& dy, Grads& d) {
      if (float* const dgain = d.sums(gain)) factors.gain_back(c, dy.view(), x.view(), dgain);
      if (float* const dbias = d.sums(bias))
        c.rows(c.kernels().column_sum, ColumnSumArgs{dy.view(), dbias}, dy.columns(), dy.rows());
      if (d.wants(x)) factors.run(c, dy.view(), nullptr, d[x]);
    });
  return y;
}

}  // namespace bantam::ops
