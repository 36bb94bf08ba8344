// The table of kernels: each row is the one before it, and what its instruction set betters.
#include "kernels/detect.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gather.h"
#include "kernels/gemm/fill.h"

namespace bantam::kernels {

Kernels kernels_with(Isa isa, const Features& features) {
  Kernels k{};
  fill_elementwise(k, isa);
  fill_gather(k);
  fill_gemm_scalar(k);
  const bool x86 = isa == Isa::avx2 || isa == Isa::avx512 || isa == Isa::amx;
  if (x86) fill_gemm_avx2(k, features);
  if (isa == Isa::avx512 || isa == Isa::amx) fill_gemm_avx512(k, features);
  if (isa == Isa::amx) fill_gemm_amx(k, features);
  if (isa == Isa::neon) fill_gemm_neon(k, features);
  k.name = isa_name(isa);
  return k;
}

Kernels kernels_for(Isa isa) { return kernels_with(isa, cpu_features()); }

namespace {

template <class... Args>
void nothing(Args...) noexcept {}

template <class... Args>
void clear(void (*&kernel)(Args...) noexcept) {
  kernel = nothing<Args...>;
}

template <class... Kernel>
void clear_all(Kernel&... kernel) {
  (clear(kernel), ...);
}

}  // namespace

Kernels empty_kernels() {
  Kernels k{};
  k.name = "empty";
  k.empty = true;
  clear_all(k.layer_norm, k.layer_norm_back, k.layer_norm_gain_back, k.add_bias, k.scale, k.softcap,
            k.softcap_back);
  clear_all(k.rms_norm, k.rms_norm_back, k.rms_norm_gain_back, k.glu, k.glu_back, k.add, k.convert,
            k.rope, k.attention, k.attention_part, k.attention_back, k.cross_entropy, k.column_sum, k.gather,
            k.scatter_add, k.adam, k.axpby, k.square_sum, k.write_strips);
  clear_all(k.dot_f32, k.dot_f16, k.dot_bf16, k.chain, k.pack_a, k.pack_b, k.panel_block,
            k.panel_write, k.panel_read, k.quantise_rows, k.unpack_codes, k.strip, k.strip_tall,
            k.tiles_begin, k.tiles_begin_q8, k.tiles_end);
  return k;
}

}  // namespace bantam::kernels
