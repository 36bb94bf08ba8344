// Weights of 16 bits as float32, for training: a step reads each of them many times.
#pragma once

#include <cstdint>

#include "kernels/exec.h"
#include "models/model.h"

namespace bantam::adapt {

// Gives matrices of F16 and BF16 float32 rows of the same numbers, in the order of the model, as long
// as all of these take at most `most` bytes. The result of any product is the same bytes; forward
// saves a conversion beside every third multiply-add, backward the decoding of whole rows.
// Returns the bytes that were taken.
std::int64_t widen_matrices(Model& model, std::int64_t most, const Exec& exec);

}  // namespace bantam::adapt
