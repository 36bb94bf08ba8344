// Rows of the embedding table.
#include "base/error.h"
#include "ops/ops.h"

namespace bantam::ops {

Tensor embed(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids) {
  const std::int64_t rows = static_cast<std::int64_t>(ids.size()), width = table.dim(1);
  Tensor y = ctx.make({rows, width});
  ctx.rows(ctx.kernels().gather, GatherArgs{table.view(), ids.data(), y.view()}, rows, width);
  if (ctx.tape)
    ctx.tape->record(y, {table}, [table, ids, width](Context& c, const Tensor& dy, Grads& d) {
      c.rows(c.kernels().scatter_add,
             ScatterAddArgs{dy.view(), ids.data(), d.sums(table), table.dim(1)}, width,
             static_cast<std::int64_t>(ids.size()));
    });
  return y;
}

}  // namespace bantam::ops
