// AVX2: blocks of bf16 panels in the order of the tile, by FMA.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx2 {
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

constexpr std::int64_t kTile = 512, kStep = 1024;  // elements
constexpr unsigned kFlush = 0x8040;                // MXCSR: flush to zero, denormals are zero

BANTAM_INLINE __m256i load(const void* p) {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

// Rows of a step of A as f32, so that the inner loop broadcasts them from memory: [row][even, odd].
template <int rows>
BANTAM_INLINE void widen(const std::uint16_t* a, float (&wide)[rows][32], __m256i high_half) {
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int h = 0; h < 2; ++h) {
      const __m256i pairs = load(a + 32 * r + 16 * h);
      _mm256_store_ps(wide[r] + 8 * h, _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)));
      _mm256_store_ps(wide[r] + 16 + 8 * h,
                      _mm256_castsi256_ps(_mm256_and_si256(pairs, high_half)));
    }
  }
}

// One step of `rows` rows by the 16 columns of a tile of B: an even and an odd chain each, twelve
// accumulators for three rows.
template <int rows>
BANTAM_INLINE void step(const float (&wide)[rows][32], const std::uint16_t* b, float* sums,
                        bool start, __m256i high_half) {
  __m256 even[rows][2], odd[rows][2];
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r)
    even[r][0] = even[r][1] = odd[r][0] = odd[r][1] = _mm256_setzero_ps();
  for (int pair = 0; pair < 16; ++pair) {
    const __m256i left = load(b + 32 * pair), right = load(b + 32 * pair + 16);
    const __m256 left_even = _mm256_castsi256_ps(_mm256_slli_epi32(left, 16));
    const __m256 right_even = _mm256_castsi256_ps(_mm256_slli_epi32(right, 16));
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m256 x = _mm256_set1_ps(wide[r][pair]);
      even[r][0] = _mm256_fmadd_ps(x, left_even, even[r][0]);
      even[r][1] = _mm256_fmadd_ps(x, right_even, even[r][1]);
    }
    const __m256 left_odd = _mm256_castsi256_ps(_mm256_and_si256(left, high_half));
    const __m256 right_odd = _mm256_castsi256_ps(_mm256_and_si256(right, high_half));
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m256 x = _mm256_set1_ps(wide[r][16 + pair]);
      odd[r][0] = _mm256_fmadd_ps(x, left_odd, odd[r][0]);
      odd[r][1] = _mm256_fmadd_ps(x, right_odd, odd[r][1]);
    }
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int h = 0; h < 2; ++h) {
      float* at = sums + r * 32 + 8 * h;
      const __m256 before = start ? _mm256_setzero_ps() : _mm256_load_ps(at);
      _mm256_store_ps(at, _mm256_add_ps(before, _mm256_add_ps(even[r][h], odd[r][h])));
    }
  }
}

template <int rows>
void rows_block(const PanelBlock& p, std::int64_t first) {
  const __m256i high_half = _mm256_set1_epi32(static_cast<int>(0xffff0000));
  alignas(32) float wide[rows][32];
  const std::uint16_t* a = p.a + first * 32;
  const std::uint16_t* b = p.b;
  float* sums = p.sums + first * 32;
  for (std::int64_t s = 0; s < p.steps; ++s, a += kStep, b += kStep) {
    widen<rows>(a, wide, high_half);
    step<rows>(wide, b, sums, s == 0 && !p.resume, high_half);
    step<rows>(wide, b + kTile, sums + 16, s == 0 && !p.resume, high_half);
  }
}

void panel_block(const PanelBlock& p) noexcept {
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | kFlush);
  std::int64_t r = 0;
  for (; r + 3 <= p.rows; r += 3) rows_block<3>(p, r);
  if (p.rows - r == 2) rows_block<2>(p, r);
  if (p.rows - r == 1) rows_block<1>(p, r);
  _mm_setcsr(saved);
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx2

void fill_avx2_panel(Kernels& k) { k.panel_block = avx2::panel_block; }

}  // namespace bantam::kernels

#endif
