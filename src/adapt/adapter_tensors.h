// Numbers out of files: what readers of adapters share.
#pragma once

#include "base/rooms.h"
#include "files/tensor_info.h"
#include "tensor/tensor.h"

namespace bantam::adapt {

// The whole tensor as f32 memory of its own. Throws Error for a type that cannot be read, a rank
// other than `rank`, or a number that is not finite.
Tensor read_numbers(const TensorInfo& info, int rank);
// Rows [first, first + count) of it, a copy.
Tensor rows_of(const Tensor& whole, std::int64_t first, std::int64_t count);

}  // namespace bantam::adapt
