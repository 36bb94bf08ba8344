// AVX-512: chains of FMAs over rising k (outer products).
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512 {
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

BANTAM_INLINE __m512 canonical(__m512 value) {
  const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  return _mm512_castsi512_ps(
      _mm512_mask_mov_epi32(_mm512_castps_si512(value), nan, _mm512_set1_epi32(0x7fc00000)));
}

// `rows` by 16 * `vectors` columns of c from (i, j) on; of the last vector the columns in `mask`.
template <int rows, int vectors>
void tile(const ChainBlock& p, std::int64_t i, std::int64_t j, __mmask16 mask) {
  constexpr int kLast = vectors - 1;
  __m512 sum[rows][vectors];
  float* c = p.c + i * p.c_stride + j;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      sum[r][v] = !p.resume    ? _mm512_setzero_ps()
                  : v == kLast ? _mm512_maskz_loadu_ps(mask, c + r * p.c_stride + 16 * v)
                               : _mm512_loadu_ps(c + r * p.c_stride + 16 * v);
  }
  const float* a = p.a + i * p.a_row;
  const float* b = p.b + j;
  for (std::int64_t k = 0; k < p.k; ++k, a += p.a_k, b += p.b_stride) {
    __m512 w[vectors];
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      w[v] = v == kLast ? _mm512_maskz_loadu_ps(mask, b + 16 * v) : _mm512_loadu_ps(b + 16 * v);
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m512 x = _mm512_set1_ps(a[r * p.a_row]);
      BANTAM_UNROLL
      for (int v = 0; v < vectors; ++v) sum[r][v] = _mm512_fmadd_ps(x, w[v], sum[r][v]);
    }
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      _mm512_mask_storeu_ps(c + r * p.c_stride + 16 * v, v == kLast ? mask : __mmask16{0xffff},
                            canonical(sum[r][v]));
  }
}

template <int vectors>
void columns(const ChainBlock& p, std::int64_t j, __mmask16 mask) {
  std::int64_t i = 0;
  for (; i + 6 <= p.rows; i += 6) tile<6, vectors>(p, i, j, mask);
  switch (p.rows - i) {
    case 5:
      tile<5, vectors>(p, i, j, mask);
      break;
    case 4:
      tile<4, vectors>(p, i, j, mask);
      break;
    case 3:
      tile<3, vectors>(p, i, j, mask);
      break;
    case 2:
      tile<2, vectors>(p, i, j, mask);
      break;
    case 1:
      tile<1, vectors>(p, i, j, mask);
      break;
    default:
      break;
  }
}

void chain(const ChainBlock& p) noexcept {
  for (std::int64_t j = 0; j < p.columns; j += 64) {
    const std::int64_t left = p.columns - j < 64 ? p.columns - j : 64;
    const auto mask = static_cast<__mmask16>(0xffff >> (15 - (left - 1) % 16));
    switch ((left + 15) / 16) {
      case 4:
        columns<4>(p, j, mask);
        break;
      case 3:
        columns<3>(p, j, mask);
        break;
      case 2:
        columns<2>(p, j, mask);
        break;
      default:
        columns<1>(p, j, mask);
        break;
    }
  }
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx512

void fill_avx512_chain(Kernels& k) { k.chain = avx512::chain; }

}  // namespace bantam::kernels

#endif
