// AVX2: chains of FMAs over rising k (outer products).
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx2 {
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

BANTAM_INLINE __m256 canonical(__m256 value) {
  return _mm256_blendv_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
                          _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}

// `rows` by 8 * `vectors` columns of c from (i, j) on; of the last vector the columns in `mask`, or
// all: loads under a mask cost two.
template <int rows, int vectors, bool all>
void tile(const ChainBlock& p, std::int64_t i, std::int64_t j, __m256i mask) {
  constexpr int kLast = all ? vectors : vectors - 1;
  __m256 sum[rows][vectors];
  float* c = p.c + i * p.c_stride + j;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      sum[r][v] = !p.resume    ? _mm256_setzero_ps()
                  : v == kLast ? _mm256_maskload_ps(c + r * p.c_stride + 8 * v, mask)
                               : _mm256_loadu_ps(c + r * p.c_stride + 8 * v);
  }
  const float* a = p.a + i * p.a_row;
  const float* b = p.b + j;
  for (std::int64_t k = 0; k < p.k; ++k, a += p.a_k, b += p.b_stride) {
    __m256 w[vectors];
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      w[v] = v == kLast ? _mm256_maskload_ps(b + 8 * v, mask) : _mm256_loadu_ps(b + 8 * v);
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m256 x = _mm256_set1_ps(a[r * p.a_row]);
      BANTAM_UNROLL
      for (int v = 0; v < vectors; ++v) sum[r][v] = _mm256_fmadd_ps(x, w[v], sum[r][v]);
    }
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v) {
      float* to = c + r * p.c_stride + 8 * v;
      if (v == kLast)
        _mm256_maskstore_ps(to, mask, canonical(sum[r][v]));
      else
        _mm256_storeu_ps(to, canonical(sum[r][v]));
    }
  }
}

template <int vectors, bool all>
void columns(const ChainBlock& p, std::int64_t j, __m256i mask) {
  std::int64_t i = 0;
  for (; i + 6 <= p.rows; i += 6) tile<6, vectors, all>(p, i, j, mask);
  switch (p.rows - i) {
    case 5:
      tile<5, vectors, all>(p, i, j, mask);
      break;
    case 4:
      tile<4, vectors, all>(p, i, j, mask);
      break;
    case 3:
      tile<3, vectors, all>(p, i, j, mask);
      break;
    case 2:
      tile<2, vectors, all>(p, i, j, mask);
      break;
    case 1:
      tile<1, vectors, all>(p, i, j, mask);
      break;
    default:
      break;
  }
}

void chain(const ChainBlock& p) noexcept {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (std::int64_t j = 0; j < p.columns; j += 16) {
    const std::int64_t left = p.columns - j < 16 ? p.columns - j : 16;
    const __m256i mask =
        _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>((left - 1) % 8 + 1)), lane);
    if (left == 16)
      columns<2, true>(p, j, mask);
    else if (left > 8)
      columns<2, false>(p, j, mask);
    else if (left == 8)
      columns<1, true>(p, j, mask);
    else
      columns<1, false>(p, j, mask);
  }
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx2

void fill_avx2_chain(Kernels& k) { k.chain = avx2::chain; }

}  // namespace bantam::kernels

#endif
