#include "explain/stored.h"

#include <vector>

#include "blocks/format.h"
#include "kernels/kernels.h"

namespace bantam::explain {

Tensor Stored::see(Context& ctx, nn::Point point, int layer, const Tensor& value) {
  const Tensor seen = other_ ? other_->see(ctx, point, layer, value) : value;
  const bool kept = point == nn::Point::key || point == nn::Point::value;
  return kept && type_ != Type::f32 ? rounded(ctx, seen) : seen;
}

// Blocks do not reach from one head into the next: a cache whose blocks do is refused before.
Tensor Stored::rounded(Context& ctx, const Tensor& x) const {
  Tensor y = ctx.make(x.shape(), x.type());
  const Format &own = format(x.type()), &stored = format(type_);
  const std::int64_t columns = x.columns();
  std::vector<float> row(static_cast<std::size_t>(columns));
  std::vector<std::byte> kept(static_cast<std::size_t>(stored.bytes(columns)));
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    own.decode(x.view().data + own.bytes(r * x.view().stride), row.data(), columns);
    stored.encode(row.data(), kept.data(), columns);
    stored.decode(kept.data(), row.data(), columns);
    own.encode(row.data(), y.view().data + own.bytes(r * y.view().stride), columns);
  }
  if (ctx.tape)
    ctx.tape->record(y, {x}, [x](Context& c, const Tensor& dy, Grads& d) {
      c.rows(c.kernels().scale, ScaleArgs{dy.view(), 1, d[x]}, dy.rows(), dy.columns());
    });
  return y;
}

}  // namespace bantam::explain
