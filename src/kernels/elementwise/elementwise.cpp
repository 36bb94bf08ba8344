// Gathers the element-wise entries of the kernel table.
#include "kernels/elementwise/elementwise.h"

#include "kernels/elementwise/parts.h"

namespace bantam::kernels {

void fill_elementwise(Kernels& kernels, Isa isa) {
  fill_norm(kernels, isa);
  fill_layer_norm(kernels, isa);
  fill_glu(kernels, isa);
  fill_rows(kernels, isa);
  fill_attention(kernels, isa);
  fill_attention_back(kernels, isa);
  fill_cross_entropy(kernels, isa);
  fill_flat(kernels, isa);
}

}  // namespace bantam::kernels
