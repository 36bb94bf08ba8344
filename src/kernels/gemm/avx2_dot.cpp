// AVX2: dot products of rows, 16 lanes in two registers.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx2 {
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

// Eight weights as f32.
struct F32 {
  static constexpr std::int64_t kSize = 4;
  static BANTAM_INLINE __m256 load(const std::byte* p) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  }
};
struct F16 {
  static constexpr std::int64_t kSize = 2;
  static BANTAM_INLINE __m256 load(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
};
struct Bf16 {
  static constexpr std::int64_t kSize = 2;
  static BANTAM_INLINE __m256 load(const std::byte* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
};

// The folds of four sums of r1 (lanes l and l + 8 added).
BANTAM_INLINE __m128 fold4(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 ab =
      _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  const __m256 cd =
      _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
  const __m256 r3 = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
  const __m256 r = _mm256_add_ps(r3, _mm256_permute_ps(r3, 0xb1));
  const __m128 acbd = _mm_shuffle_ps(_mm256_castps256_ps128(r), _mm256_extractf128_ps(r, 1), 0x88);
  return _mm_permute_ps(acbd, 0xd8);
}

BANTAM_INLINE __m128 canonical(__m128 value) {
  return _mm_blendv_ps(value, _mm_castsi128_ps(_mm_set1_epi32(0x7fc00000)),
                       _mm_cmpunord_ps(value, value));
}

// Lanes of the first `count` of 8 (or none, or all).
BANTAM_INLINE __m256i first8(std::int64_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
}

template <class W>
BANTAM_INLINE __m256 load_some(const std::byte* p, std::int64_t count) {
  alignas(32) std::byte copy[32] = {};
  if (count > 0) std::memcpy(copy, p, static_cast<std::size_t>((count < 8 ? count : 8) * W::kSize));
  return W::load(copy);
}

struct Rows {
  const float* x;
  std::int64_t x_stride;
  std::int64_t k;
};

// Lanes [8 * first, 8 * first + 8 * halves) of `rows` x `columns` sums, added up to r1 in `out`.
// Two passes of half the lanes have registers for twice the rows.
template <class W, int rows, int columns, int halves>
BANTAM_INLINE void lanes(const Rows& d, const std::byte* const (&w)[columns], int first,
                         __m256 (&out)[rows][columns]) {
  __m256 sum[halves][rows][columns];
  BANTAM_UNROLL
  for (int h = 0; h < halves; ++h) {
    BANTAM_UNROLL
    for (int i = 0; i < rows; ++i) {
      BANTAM_UNROLL
      for (int j = 0; j < columns; ++j) sum[h][i][j] = _mm256_setzero_ps();
    }
  }
  std::int64_t k = 0;
  for (; k + 16 <= d.k; k += 16) {
    BANTAM_UNROLL
    for (int h = 0; h < halves; ++h) {
      const std::int64_t at = k + 8 * (first + h);
      __m256 a[rows];
      BANTAM_UNROLL
      for (int i = 0; i < rows; ++i) a[i] = _mm256_loadu_ps(d.x + i * d.x_stride + at);
      BANTAM_UNROLL
      for (int j = 0; j < columns; ++j) {
        const __m256 b = W::load(w[j] + at * W::kSize);
        BANTAM_UNROLL
        for (int i = 0; i < rows; ++i) sum[h][i][j] = _mm256_fmadd_ps(a[i], b, sum[h][i][j]);
      }
    }
  }
  BANTAM_UNROLL
  for (int h = 0; h < halves; ++h) {
    const std::int64_t at = k + 8 * (first + h), count = d.k - at;
    if (count <= 0) break;
    const __m256i mask = first8(count);
    BANTAM_UNROLL
    for (int j = 0; j < columns; ++j) {
      const __m256 b = load_some<W>(w[j] + at * W::kSize, count);
      BANTAM_UNROLL
      for (int i = 0; i < rows; ++i) {
        const __m256 a = _mm256_maskload_ps(d.x + i * d.x_stride + at, mask);
        sum[h][i][j] = _mm256_blendv_ps(sum[h][i][j], _mm256_fmadd_ps(a, b, sum[h][i][j]),
                                        _mm256_castsi256_ps(mask));
      }
    }
  }
  BANTAM_UNROLL
  for (int i = 0; i < rows; ++i) {
    BANTAM_UNROLL
    for (int j = 0; j < columns; ++j)
      out[i][j] = halves == 2  ? _mm256_add_ps(sum[0][i][j], sum[halves - 1][i][j])
                  : first == 0 ? sum[0][i][j]
                               : _mm256_add_ps(out[i][j], sum[0][i][j]);
  }
}

BANTAM_INLINE void store(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left,
                         __m128 value) {
  const __m128i mask = _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(left < 4 ? left : 4)),
                                       _mm_setr_epi32(0, 1, 2, 3));
  float* y = d.y + r * d.y_stride + c;
  if (d.bias != nullptr) value = _mm_add_ps(value, _mm_maskload_ps(d.bias + c, mask));
  if (d.add) value = _mm_add_ps(_mm_maskload_ps(y, mask), value);
  _mm_maskstore_ps(y, mask, canonical(value));
}

// `rows` by four of y from (r, c) on; of the columns only `left` exist (the others repeat the last,
// and are not written).
template <class W, int rows>
void tile(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left) {
  const std::byte* w[4];
  BANTAM_UNROLL
  for (int j = 0; j < 4; ++j) w[j] = d.w + (c + (j < left ? j : left - 1)) * d.w_stride * W::kSize;
  const Rows x{d.x + r * d.x_stride, d.x_stride, d.k};
  __m256 sum[rows][4];
  if constexpr (rows == 1) {  // waits for memory: weights are read once
    lanes<W, rows, 4, 2>(x, w, 0, sum);
  } else {
    lanes<W, rows, 4, 1>(x, w, 0, sum);
    lanes<W, rows, 4, 1>(x, w, 1, sum);
  }
  BANTAM_UNROLL
  for (int i = 0; i < rows; ++i)
    store(d, r + i, c, left, fold4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]));
}

template <class W>
void dot(const DotBlock& d) noexcept {
  for (std::int64_t c = 0; c < d.columns; c += 4) {
    const std::int64_t left = d.columns - c;
    std::int64_t r = 0;
    for (; r + 3 <= d.rows; r += 3) tile<W, 3>(d, r, c, left);
    if (d.rows - r == 2) tile<W, 2>(d, r, c, left);
    if (d.rows - r == 1) tile<W, 1>(d, r, c, left);
  }
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx2

void fill_avx2_dot(Kernels& k) {
  k.dot_f32 = avx2::dot<avx2::F32>;
  k.dot_f16 = avx2::dot<avx2::F16>;
  k.dot_bf16 = avx2::dot<avx2::Bf16>;
}

}  // namespace bantam::kernels

#endif
