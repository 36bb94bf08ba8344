// The linear layer, in each arithmetic: y = x w^T (+ bias).
#include "base/error.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace bantam::ops {

namespace {

PackSource by_rows(const Tensor& t, bool k_contiguous) {
  return {t.view().data, t.type(), t.view().stride, k_contiguous};
}

}  // namespace

void linear_weight_gradient(Context& c, const Tensor& dy, const Tensor& x, Into dw) {
  if (c.arithmetic == Arithmetic::bf16) {
    const Arena::Mark mark = c.arena.mark();
    const std::int64_t bytes = PackedB::bytes(x.rows(), x.columns());
    PackedB packed(x.rows(), x.columns(), c.arena.allocate(static_cast<std::size_t>(bytes)));
    packed.pack(c.exec, x.view(), false);
    gemm_bf16(c.exec, dy.columns(), by_rows(dy, false), packed, nullptr, dw);
    c.arena.release(mark);
  } else {
    gemm_chain(c.exec, dy.columns(), dy.rows(), {dy.f32(), 1, dy.view().stride}, x.view(), dw);
  }
}

namespace {

// y for x and w, once they are known to fit.
Tensor prepared(Context& ctx, const Tensor& x, const Weight& w, const Tensor& bias) {
  if (w.shape().rank() != 2 || x.columns() != w.dim(1))
    throw Error("matmul: an input of " + std::to_string(w.dim(1)) + " columns was expected, not " +
                std::to_string(x.columns()));
  if (bias) require_shape("matmul: bias", bias, {w.dim(0)});
  if (ctx.linear_inputs) ctx.linear_inputs->see(ctx, x, w);
  return ctx.make({x.rows(), w.dim(0)});
}

const float* numbers(const Tensor& bias) { return bias ? bias.f32() : nullptr; }

void record(Context& ctx, Tensor& y, const Tensor& x, const Weight& w, const Tensor& bias) {
  if (!ctx.tape) return;
  ctx.tape->record(y, {x, w.tensor(), bias}, [x, w, bias](Context& c, const Tensor& dy, Grads& d) {
    if (float* const dbias = d.sums(bias))
      c.rows(c.kernels().column_sum, ColumnSumArgs{dy.view(), dbias}, dy.columns(), dy.rows());
    if (d.wants(w.tensor())) linear_weight_gradient(c, dy, x, d[w.tensor()]);
    if (d.wants(x)) w.multiply_transposed(c, dy, d[x]);
  });
}

}  // namespace

Tensor matmul(Context& ctx, const Tensor& x, const Weight& w, const Tensor& bias) {
  Tensor y = prepared(ctx, x, w, bias);
  w.multiply(ctx, x, numbers(bias), {y.view(), false});
  record(ctx, y, x, w, bias);
  return y;
}

std::vector<Tensor> matmul_each(Context& ctx, const Tensor& x, std::span<const Factor> factors) {
  std::vector<Tensor> y;
  std::vector<Weight::Product> products;
  for (const Factor& f : factors) {
    y.push_back(prepared(ctx, x, f.w, f.bias));
    products.push_back({f.w, numbers(f.bias), {y.back().view(), false}});
  }
  Weight::multiply_each(ctx, x, products);
  for (std::size_t i = 0; i < y.size(); ++i) record(ctx, y[i], x, factors[i].w, factors[i].bias);
  return y;
}

}  // namespace bantam::ops
