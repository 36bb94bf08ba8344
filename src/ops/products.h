// The three products of a linear layer, shared by matmul and the fused head.
#pragma once

#include "tensor/context.h"

namespace bantam::ops {

// y = x w^T + bias: [T,K] [N,K] -> [T,N].
void linear_forward(Context& ctx, const Tensor& x, const Tensor& w, const float* bias, Into y);
// dx = dy w: [T,N] [N,K] -> [T,K].
void linear_input_gradient(Context& ctx, const Tensor& dy, const Tensor& w, Into dx);
// dw = dy^T x: [N,T] [T,K] -> [N,K], tokens in rising order.
void linear_weight_gradient(Context& ctx, const Tensor& dy, const Tensor& x, Into dw);

}  // namespace bantam::ops
