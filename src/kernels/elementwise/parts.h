// The sources of the element-wise kernels: each fills its own entries of the table.
#pragma once

#include "base/rooms.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

void fill_norm(Kernels& kernels, Isa isa);
void fill_layer_norm(Kernels& kernels, Isa isa);
void fill_glu(Kernels& kernels, Isa isa);
void fill_rows(Kernels& kernels, Isa isa);
void fill_attention(Kernels& kernels, Isa isa);
void fill_attention_back(Kernels& kernels, Isa isa);
void fill_cross_entropy(Kernels& kernels, Isa isa);
void fill_flat(Kernels& kernels, Isa isa);

}  // namespace bantam::kernels
