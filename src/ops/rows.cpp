// A choice of rows: the logits that somebody asked for.
#include <cstring>

#include "base/error.h"
#include "ops/ops.h"

namespace bantam::ops {

namespace {

// Row i of dy goes to row ids[i] of dx; the others are zeros.
void spread(Context& c, const Tensor& dy, std::span<const std::int32_t> ids, const Into& dx) {
  if (c.kernels().empty) return;
  const std::int64_t bytes = dx.view.type == Type::f32 ? 4 : 2;
  const auto row = [bytes](View v, std::int64_t r, std::int64_t size) {
    return View(v.data + r * v.stride * size, v.type, {1, v.columns()});
  };
  if (!dx.add)
    for (std::int64_t r = 0; r < dx.view.rows(); ++r)
      std::memset(row(dx.view, r, bytes).data, 0,
                  static_cast<std::size_t>(dx.view.columns() * bytes));
  const std::int64_t dy_bytes = dy.type() == Type::f32 ? 4 : 2;
  for (std::size_t i = 0; i < ids.size(); ++i)
    c.kernels().convert({row(dy.view(), static_cast<std::int64_t>(i), dy_bytes),
                         {row(dx.view, ids[i], bytes), true}},
                        0, 1);
}

}  // namespace

Tensor rows(Context& ctx, const Tensor& x, std::span<const std::int32_t> wanted) {
  const auto count = static_cast<std::int64_t>(wanted.size());
  bool all = count == x.rows();
  for (std::int64_t i = 0; all && i < count; ++i) all = wanted[static_cast<std::size_t>(i)] == i;
  if (all) return x;
  Tensor y = ctx.make({count, x.columns()}, x.type());
  ctx.rows(ctx.kernels().gather, GatherArgs{x.view(), wanted.data(), y.view()}, count, x.columns());
  if (ctx.tape)
    ctx.tape->record(y, {x},
                     [x, ids = std::vector(wanted.begin(), wanted.end())](
                         Context& c, const Tensor& dy, Grads& d) { spread(c, dy, ids, d[x]); });
  return y;
}

}  // namespace bantam::ops
