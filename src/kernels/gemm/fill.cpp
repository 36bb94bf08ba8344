// Which kernels a row of the table has, by the features of the processor.
#include "kernels/gemm/fill.h"

namespace bantam {

void fill_gemm_avx2(Kernels&, const Features&) {}
void fill_gemm_avx512(Kernels&, const Features&) {}
void fill_gemm_amx(Kernels&, const Features&) {}
bool amx_agrees(const Kernels&, const Kernels&) { return false; }

}  // namespace bantam
