// y = x w^T as chains over rising k, of weights whose rows are float32: a column's sum continues where
// it lies, so k is taken in pieces that caches hold, which the 16 lanes of gemm_dot do not allow.
// Another order of summation than gemm_dot's: for training through weights that stay as they are.
#pragma once

#include "kernels/gemm/gemm.h"

namespace bantam::kernels {

// y[M,N] = x[M,K] w[N,K]^T, from 0 or from what y holds (`y.add`). All f32.
void gemm_chain_turned(const Exec& exec, const ConstView& x, const ConstView& w, Into y);

}  // namespace bantam::kernels
