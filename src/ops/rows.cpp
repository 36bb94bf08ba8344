// A choice of rows: the logits that somebody asked for.
#include "base/error.h"
#include "ops/ops.h"

namespace bantam::ops {

Tensor rows(Context& ctx, const Tensor& x, std::span<const std::int32_t> wanted) {
  const auto count = static_cast<std::int64_t>(wanted.size());
  bool all = count == x.rows();
  for (std::int64_t i = 0; all && i < count; ++i) all = wanted[static_cast<std::size_t>(i)] == i;
  if (all) return x;
  if (ctx.tape) throw Error("rows: training takes all rows of a batch");
  Tensor y = ctx.make({count, x.columns()}, x.type());
  ctx.rows(ctx.kernels().gather, GatherArgs{x.view(), wanted.data(), y.view()}, count, x.columns());
  return y;
}

}  // namespace bantam::ops
