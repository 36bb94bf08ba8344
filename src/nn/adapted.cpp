// A linear layer under an adapter.
#include "nn/layers.h"

namespace bantam::nn {

Tensor adapted(Context& ctx, const Tensor& x, const Linear& l) {
  const LowRank& add = *l.adapter;
  if (!add.magnitude) return ops::low_rank(ctx, x, l.w, l.bias, add.a, add.b, add.scale);
  const Tensor turned = ops::low_rank(ctx, x, l.w, {}, add.a, add.b, add.scale);
  return ops::scale_columns(ctx, turned, add.magnitude, add.inverse, l.bias);
}

}  // namespace bantam::nn
