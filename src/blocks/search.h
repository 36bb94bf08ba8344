// How block types find their numbers: scales and codes that make the weighted squared error of a
// block small, for every layout that a Packing can describe. The idea of trying inverse scales
// around the one that maps the largest element to the end of the range, and of solving for the
// scale by least squares after each, is make_qx_quants and make_qkx2_quants of
// ggml/src/ggml-quants.c (ggml-org/llama.cpp).
#pragma once

#include "blocks/format.h"

namespace bantam {

// What a block is made of and how its numbers are limited.
struct BlockShape {
  std::int64_t elements = 32;
  int lowest = 0, highest = 0;          // of a code q
  int sub_group = 0;                    // elements under one sub-scale; 0: there are none
  int sub_lowest = 1, sub_highest = 1;  // of a sub-scale
};

// x ~ d * sub * q with d in half precision. `importance`: a weight for each element's squared
// error, or null for 1 each. A block that holds what is not finite gets a d that is NaN, and zeros.
void fit_block(const BlockShape& shape, const float* x, const float* importance,
               BlockIntegers& out);

}  // namespace bantam
