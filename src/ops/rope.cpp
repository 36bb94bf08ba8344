// Rotary position embedding.
#include <algorithm>

#include "base/error.h"
#include "ops/ops.h"

namespace bantam::ops {

Tensor rope(Context& ctx, const Tensor& x, const Rope& rope,
            std::span<const std::int32_t> positions, std::int64_t heads) {
  const std::int64_t rows = x.rows(), head_dim = x.columns() / heads;
  const auto half = static_cast<std::int64_t>(rope.frequencies->size());
  if (x.columns() % heads != 0 || 2 * half > head_dim)
    throw Error("rope: " + std::to_string(half) + " pairs do not fit heads of " +
                std::to_string(head_dim));
  const std::int32_t last = *std::max_element(positions.begin(), positions.end());
  const float* table = ctx.rope_tables.get(rope.frequencies, rope.scale, last + 1);
  Tensor y = ctx.make(x.shape());
  ctx.rows(
      ctx.kernels().rope,
      RopeArgs{x.view(), {y.view(), false}, positions.data(), table, heads, head_dim, half, false},
      rows, x.columns());
  if (ctx.tape)
    ctx.tape->record(y, {x}, [=](Context& c, const Tensor& dy, Grads& d) {
      const float* turns = c.rope_tables.get(rope.frequencies, rope.scale, last + 1);
      c.rows(c.kernels().rope,
             RopeArgs{dy.view(), d[x], positions.data(), turns, heads, head_dim, half, true}, rows,
             x.columns());
    });
  return y;
}

}  // namespace bantam::ops
