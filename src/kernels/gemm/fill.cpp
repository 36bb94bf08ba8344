// Which kernels a row of the table has, by the features of the processor.
#include "kernels/gemm/fill.h"

namespace bantam {

#if defined(__x86_64__)

void fill_gemm_avx2(Kernels& k, const Features& features) {
  fill_avx2_dot(k);
  fill_avx2_chain(k);
  fill_avx2_panel(k);
  fill_avx2_pack(k);
  fill_avx2_strip(k, features.avx_vnni);
}

void fill_gemm_avx512(Kernels& k, const Features& features) {
  fill_avx512_dot(k);
  fill_avx512_chain(k);
  fill_avx512_panel(k);
  fill_avx512_pack(k, features.avx512_bf16);
  fill_avx512_strip(k, features.avx512_vnni);
}

#else

void fill_gemm_avx2(Kernels&, const Features&) {}
void fill_gemm_avx512(Kernels&, const Features&) {}
void fill_gemm_amx(Kernels&, const Features&) {}
bool amx_agrees(const Kernels&, const Kernels&) { return false; }

#endif

}  // namespace bantam
