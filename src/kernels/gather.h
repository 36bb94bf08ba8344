// Rows fetched from a table by index, and gradients added back: memory alone, the same everywhere.
#pragma once

#include "base/rooms.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

void fill_gather(Kernels& kernels);

}  // namespace bantam::kernels
