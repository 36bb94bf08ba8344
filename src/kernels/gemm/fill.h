// The rows of the table, products only: each function fills what its instruction set betters and
// leaves the rest as it was, so a row inherits the one before. On another processor they do
// nothing.
#pragma once

#include "base/rooms.h"
#include "kernels/detect.h"

namespace bantam::kernels {

void fill_gemm_scalar(Kernels& kernels);
void fill_gemm_avx2(Kernels& kernels, const Features& features);
void fill_gemm_avx512(Kernels& kernels, const Features& features);
void fill_gemm_amx(Kernels& kernels, const Features& features);
void fill_gemm_neon(Kernels& kernels, const Features& features);

// Whether tiles give the same bytes as the vector kernels, tried on blocks of both kinds.
bool amx_agrees(const Kernels& vectors, const Kernels& tiles);

// By arithmetic, where a set has a file for each.
void fill_avx2_dot(Kernels& kernels);
void fill_avx2_chain(Kernels& kernels);
void fill_avx2_panel(Kernels& kernels);
void fill_avx2_pack(Kernels& kernels);
void fill_avx2_quantise(Kernels& kernels);
void fill_avx2_strip(Kernels& kernels);
void fill_avx_vnni(Kernels& kernels);
void fill_avx512_dot(Kernels& kernels);
void fill_avx512_chain(Kernels& kernels);
void fill_avx512_panel(Kernels& kernels);
void fill_avx512_pack(Kernels& kernels, bool bf16);
void fill_avx512_quantise(Kernels& kernels);
void fill_avx512_strip(Kernels& kernels);
void fill_avx512_vnni(Kernels& kernels);
void fill_neon_dot(Kernels& kernels);
void fill_neon_chain(Kernels& kernels);
void fill_neon_panel(Kernels& kernels);
void fill_neon_pack(Kernels& kernels);
void fill_neon_quantise(Kernels& kernels);
void fill_neon_strip(Kernels& kernels);
void fill_neon_dotprod(Kernels& kernels);
void fill_neon_i8mm(Kernels& kernels);
namespace neon {
void strip_dotprod(const StripBlock& block) noexcept;  // where i8mm has a row left over
}

}  // namespace bantam::kernels
