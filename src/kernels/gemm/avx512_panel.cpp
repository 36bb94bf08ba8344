// AVX-512: blocks of bf16 panels in the order of the tile, by FMA.
//
// VDPBF16PS has an order of its own and half the multiply-adds of FMA; so bf16 is widened to f32,
// the even k of a pair by a shift, the odd by a mask.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512 {
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

constexpr std::int64_t kTile = 512, kStep = 1024;  // elements
constexpr unsigned kFlush = 0x8040;                // MXCSR: flush to zero, denormals are zero

// Rows of a step of A as f32, so that the inner loop broadcasts them from memory: [row][even, odd].
template <int rows>
BANTAM_INLINE void widen(const std::uint16_t* a, float (&wide)[rows][32], __m512i high_half) {
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    const __m512i pairs = _mm512_load_si512(a + 32 * r);
    _mm512_store_si512(wide[r], _mm512_slli_epi32(pairs, 16));
    _mm512_store_si512(wide[r] + 16, _mm512_and_si512(pairs, high_half));
  }
}

// `rows` rows by 32 columns: an even and an odd chain each, so 4 * rows accumulators. A broadcast
// serves two halves of columns. Seven rows leave four registers, and need 18 loads for 28 FMAs.
//
// `ahead`: the first rows to see a panel of B fetch what follows it, the next pass or the next
// panel, into L2.
template <int rows, bool ahead>
void rows_block(const PanelBlock& p, std::int64_t first) {
  const __m512i high_half = _mm512_set1_epi32(static_cast<int>(0xffff0000));
  alignas(64) float wide[rows][32];
  const std::uint16_t* a = p.a + first * 32;
  const std::uint16_t* b = p.b;
  float* sums = p.sums + first * 32;
  bool start = !p.resume;
  for (std::int64_t s = 0; s < p.steps; ++s, a += kStep, b += kStep) {
    widen<rows>(a, wide, high_half);
    __m512 even[rows][2], odd[rows][2];
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r)
      even[r][0] = even[r][1] = odd[r][0] = odd[r][1] = _mm512_setzero_ps();
    for (int pair = 0; pair < 16; ++pair) {
      if constexpr (ahead) {
        const char* next = reinterpret_cast<const char*>(b + p.steps * kStep + 32 * pair);
        _mm_prefetch(next, _MM_HINT_T1);
        _mm_prefetch(next + 2 * kTile, _MM_HINT_T1);
      }
      const __m512i left = _mm512_load_si512(b + 32 * pair);
      const __m512i right = _mm512_load_si512(b + kTile + 32 * pair);
      const __m512 left_even = _mm512_castsi512_ps(_mm512_slli_epi32(left, 16));
      const __m512 right_even = _mm512_castsi512_ps(_mm512_slli_epi32(right, 16));
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r) {
        const __m512 x = _mm512_set1_ps(wide[r][pair]);
        even[r][0] = _mm512_fmadd_ps(x, left_even, even[r][0]);
        even[r][1] = _mm512_fmadd_ps(x, right_even, even[r][1]);
      }
      const __m512 left_odd = _mm512_castsi512_ps(_mm512_and_si512(left, high_half));
      const __m512 right_odd = _mm512_castsi512_ps(_mm512_and_si512(right, high_half));
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r) {
        const __m512 x = _mm512_set1_ps(wide[r][16 + pair]);
        odd[r][0] = _mm512_fmadd_ps(x, left_odd, odd[r][0]);
        odd[r][1] = _mm512_fmadd_ps(x, right_odd, odd[r][1]);
      }
    }
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      BANTAM_UNROLL
      for (int h = 0; h < 2; ++h) {
        float* at = sums + r * 32 + 16 * h;
        const __m512 before = start ? _mm512_setzero_ps() : _mm512_load_ps(at);
        _mm512_store_ps(at, _mm512_add_ps(before, _mm512_add_ps(even[r][h], odd[r][h])));
      }
    }
    start = false;
  }
}

void panel_block(const PanelBlock& p) noexcept {
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | kFlush);
  std::int64_t r = 0;
  if (p.rows >= 7) {
    rows_block<7, true>(p, r);
    r = 7;
  }
  for (; r + 7 <= p.rows; r += 7) rows_block<7, false>(p, r);
  switch (p.rows - r) {
    case 6:
      rows_block<6, false>(p, r);
      break;
    case 5:
      rows_block<5, false>(p, r);
      break;
    case 4:
      rows_block<4, false>(p, r);
      break;
    case 3:
      rows_block<3, false>(p, r);
      break;
    case 2:
      rows_block<2, false>(p, r);
      break;
    case 1:
      rows_block<1, false>(p, r);
      break;
    default:
      break;
  }
  _mm_setcsr(saved);
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx512

void fill_avx512_panel(Kernels& k) { k.panel_block = avx512::panel_block; }

}  // namespace bantam::kernels

#endif
