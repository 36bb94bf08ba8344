// AVX-512: activations rounded to bytes.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cfloat>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/numbers.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512 {
using namespace layout;
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

// 32 rounded numbers as bytes; `low`: null, or where the low plane of two goes. Their sum, and that
// of the first half.
BANTAM_INLINE void store_quantised(__m512i a, __m512i b, std::int8_t* q, std::int8_t* low) {
  if (low != nullptr) {
    const __m512i half = _mm512_set1_epi32(64);
    const __m512i a_high = _mm512_srai_epi32(_mm512_add_epi32(a, half), 7);
    const __m512i b_high = _mm512_srai_epi32(_mm512_add_epi32(b, half), 7);
    a = _mm512_sub_epi32(a, _mm512_slli_epi32(a_high, 7));
    b = _mm512_sub_epi32(b, _mm512_slli_epi32(b_high, 7));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(low), _mm512_cvtepi32_epi8(a));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(low + 16), _mm512_cvtepi32_epi8(b));
    a = a_high;
    b = b_high;
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(a));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q + 16), _mm512_cvtepi32_epi8(b));
}

// Where a group goes.
struct Group {
  std::int8_t* q;
  std::int8_t* low;
  float* scale;
  std::int32_t* sum;
  std::int32_t* first;
};
BANTAM_INLINE Group group_at(const QuantiseRows& a, std::int64_t at) {
  return {a.q + at * kGroup, a.q_low == nullptr ? nullptr : a.q_low + at * kGroup, a.scales + at,
          a.sums + at, a.firsts + at};
}

BANTAM_INLINE void quantise_group(const float* x, float limit, const Group& to) {
  const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  // As integers, so that a NaN counts as the largest.
  const int largest_bits = _mm512_reduce_max_epi32(
      _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                       _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  const float inverse = limit / largest;
  if (largest_bits >= 0x7f800000 || !(inverse <= FLT_MAX)) {
    store_quantised(_mm512_setzero_si512(), _mm512_setzero_si512(), to.q, to.low);
    const int nan = 0x7fc00000;
    if (largest_bits >= 0x7f800000)
      std::memcpy(to.scale, &nan, sizeof nan);
    else
      *to.scale = 0.0f;
    *to.sum = *to.first = 0;
    return;
  }
  const __m512 factor = _mm512_set1_ps(inverse);
  const __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(low, factor));
  const __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(high, factor));
  store_quantised(a, b, to.q, to.low);
  *to.sum = _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
  *to.first = _mm512_reduce_add_epi32(a);
  *to.scale = largest / limit;
}

// The reductions of four registers by one tree: each level puts halves of two together.
BANTAM_INLINE __m512i halves(__m512i a, __m512i b, bool upper) {
  return upper ? _mm512_shuffle_i32x4(a, b, 0xee) : _mm512_shuffle_i32x4(a, b, 0x44);
}
BANTAM_INLINE __m512i quarters(__m512i a, __m512i b, bool odd) {
  return odd ? _mm512_shuffle_i32x4(a, b, 0xdd) : _mm512_shuffle_i32x4(a, b, 0x88);
}
BANTAM_INLINE __m128i first_of_each_quarter(__m512i v) {
  const __m512i first = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
  return _mm512_castsi512_si128(_mm512_permutexvar_epi32(first, v));
}
BANTAM_INLINE __m128i max4(const __m512i (&v)[4]) {
  const __m512i ab = _mm512_max_epi32(halves(v[0], v[1], false), halves(v[0], v[1], true));
  const __m512i cd = _mm512_max_epi32(halves(v[2], v[3], false), halves(v[2], v[3], true));
  __m512i m = _mm512_max_epi32(quarters(ab, cd, false), quarters(ab, cd, true));
  m = _mm512_max_epi32(m, _mm512_shuffle_epi32(m, _MM_PERM_BADC));
  return first_of_each_quarter(_mm512_max_epi32(m, _mm512_shuffle_epi32(m, _MM_PERM_CDAB)));
}
BANTAM_INLINE __m128i sum4(const __m512i (&v)[4]) {
  const __m512i ab = _mm512_add_epi32(halves(v[0], v[1], false), halves(v[0], v[1], true));
  const __m512i cd = _mm512_add_epi32(halves(v[2], v[3], false), halves(v[2], v[3], true));
  __m512i s = _mm512_add_epi32(quarters(ab, cd, false), quarters(ab, cd, true));
  s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, _MM_PERM_BADC));
  return first_of_each_quarter(_mm512_add_epi32(s, _mm512_shuffle_epi32(s, _MM_PERM_CDAB)));
}

// Four groups of a row that lie together in x, as quantise_group does each; false if one of them
// needs care. In the result a group lies kTileRows rows after the one before.
BANTAM_INLINE bool quantise_four(const float* x, float limit, const Group& to) {
  __m512 low[4], high[4];
  __m512i most[4];
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i) {
    low[i] = _mm512_loadu_ps(x + kGroup * i);
    high[i] = _mm512_loadu_ps(x + kGroup * i + 16);
    most[i] = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low[i]), magnitude),
                               _mm512_and_si512(_mm512_castps_si512(high[i]), magnitude));
  }
  const __m128 largest = _mm_castsi128_ps(max4(most));
  const __m128 inverse = _mm_div_ps(_mm_set1_ps(limit), largest);
  if (_mm_cmp_ps_mask(inverse, _mm_set1_ps(FLT_MAX), _CMP_LE_OQ) != 15 ||
      _mm_cmp_ps_mask(largest, _mm_set1_ps(FLT_MAX), _CMP_LE_OQ) != 15)
    return false;
  float factor[4], scale[4];
  std::int32_t sum[4], first[4];
  _mm_storeu_ps(factor, inverse);
  _mm_storeu_ps(scale, _mm_div_ps(largest, _mm_set1_ps(limit)));
  __m512i total[4], half[4];
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i) {
    const __m512 by = _mm512_set1_ps(factor[i]);
    const __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(low[i], by));
    const __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(high[i], by));
    const std::int64_t step = i * kTileRows * kGroup;
    store_quantised(a, b, to.q + step, to.low == nullptr ? nullptr : to.low + step);
    total[i] = _mm512_add_epi32(a, b);
    half[i] = a;
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sum), sum4(total));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(first), sum4(half));
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i) {
    to.scale[i * kTileRows] = scale[i];
    to.sum[i * kTileRows] = sum[i];
    to.first[i * kTileRows] = first[i];
  }
  return true;
}

void quantise(const QuantiseRows& a, std::int64_t groups, std::int64_t begin, std::int64_t end) {
  const float limit = a.q_low == nullptr ? 127.0f : kMostOfTwoPlanes;
  for (std::int64_t row = begin; row < end; ++row) {
    const float* x = reinterpret_cast<const float*>(a.x.data) + row * a.x.stride;
    const std::int64_t first = row / kTileRows * groups * kTileRows + row % kTileRows;
    for (std::int64_t g = 0; g < groups;) {
      const Group to = group_at(a, first + g * kTileRows);
      if (g + 4 <= groups && quantise_four(x + g * kGroup, limit, to)) {
        g += 4;
        continue;
      }
      quantise_group(x + g * kGroup, limit, to);
      ++g;
    }
  }
}

}  // namespace
BANTAM_TARGET_END

namespace {

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  quantise(a, a.x.columns() / kGroup, begin, end);
}

}  // namespace
}  // namespace avx512

void fill_avx512_quantise(Kernels& k) { k.quantise_rows = avx512::quantise_rows; }

}  // namespace bantam::kernels

#endif
