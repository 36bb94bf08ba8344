// The product of a linear layer that is no weight's own, shared by matmul and the fused head.
#pragma once

#include "base/rooms.h"
#include "tensor/context.h"

namespace bantam::ops {

// dw = dy^T x: [N,T] [T,K] -> [N,K], tokens in rising order.
void linear_weight_gradient(Context& ctx, const Tensor& dy, const Tensor& x, Into dw);

}  // namespace bantam::ops
