// Rows of any type as float32, and how far two of them lie apart.
#pragma once

#include "base/rooms.h"
#include "tensor/tensor.h"

namespace bantam::adapt {

Tensor as_floats(const Tensor& rows);
// The sum of the squares of the differences of two float32 tensors of one shape.
double squares_between(const Tensor& a, const Tensor& b);

}  // namespace bantam::adapt
