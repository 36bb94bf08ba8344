// Which kernels a row of the table has, by the features of the processor.
#include "kernels/gemm/fill.h"

namespace bantam::kernels {

#if defined(__x86_64__)

void fill_gemm_avx2(Kernels& k, const Features& features) {
  fill_avx2_dot(k);
  fill_avx2_chain(k);
  fill_avx2_panel(k);
  fill_avx2_pack(k);
  fill_avx2_quantise(k);
  fill_avx2_strip(k);
  if (features.avx_vnni) fill_avx_vnni(k);
}

void fill_gemm_avx512(Kernels& k, const Features& features) {
  fill_avx512_dot(k);
  fill_avx512_chain(k);
  fill_avx512_panel(k);
  fill_avx512_pack(k, features.avx512_bf16);
  fill_avx512_quantise(k);
  fill_avx512_strip(k);
  if (features.avx512_vnni) fill_avx512_vnni(k);
}

#else

void fill_gemm_avx2(Kernels&, const Features&) {}
void fill_gemm_avx512(Kernels&, const Features&) {}
void fill_gemm_amx(Kernels&, const Features&) {}
bool amx_agrees(const Kernels&, const Kernels&) { return false; }

#endif

#if defined(__aarch64__)

void fill_gemm_neon(Kernels& k, const Features& features) {
  fill_neon_dot(k);
  fill_neon_chain(k);
  fill_neon_panel(k);
  fill_neon_pack(k);
  fill_neon_quantise(k);
  fill_neon_strip(k);
  if (features.neon_dotprod) fill_neon_dotprod(k);
  if (features.neon_i8mm) fill_neon_i8mm(k);
}

#else

void fill_gemm_neon(Kernels&, const Features&) {}

#endif

}  // namespace bantam::kernels
