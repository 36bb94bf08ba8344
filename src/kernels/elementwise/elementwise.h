// The element-wise part of the kernel table, written once over vectors of any width.
#pragma once

#include "base/rooms.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

// Sets every element-wise and by-rows entry of `kernels` (rms_norm ... square_sum) to the code for
// `isa`; the products' entries are left as they are. The caller has made sure that this machine can
// run `isa`.
void fill_elementwise(Kernels& kernels, Isa isa);

}  // namespace bantam::kernels
