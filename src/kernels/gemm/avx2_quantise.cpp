// AVX2: activations rounded to bytes.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cfloat>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/numbers.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx2 {
using namespace layout;
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

BANTAM_INLINE int reduce_max(__m256i v) {
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
  return _mm_cvtsi128_si32(m);
}
BANTAM_INLINE int reduce_add(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtsi128_si32(s);
}

BANTAM_INLINE __m256i as_bytes(const __m256i (&v)[4]) {
  const __m256i bytes =
      _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// Group number `at`: the largest magnitude becomes `limit`.
BANTAM_INLINE void quantise_group(const QuantiseRows& to, const float* x, float limit,
                                  std::int64_t at) {
  auto* const q = reinterpret_cast<__m256i*>(to.q + at * kGroup);
  auto* const low =
      to.q_low == nullptr ? nullptr : reinterpret_cast<__m256i*>(to.q_low + at * kGroup);
  __m256 value[4];
  __m256i most = _mm256_setzero_si256();
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i) {
    value[i] = _mm256_loadu_ps(x + 8 * i);
    // As integers, so that a NaN counts as the largest.
    most = _mm256_max_epi32(
        most, _mm256_and_si256(_mm256_castps_si256(value[i]), _mm256_set1_epi32(0x7fffffff)));
  }
  const int largest_bits = reduce_max(most);
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  const float inverse = limit / largest;
  if (largest_bits >= 0x7f800000 || !(inverse <= FLT_MAX)) {
    _mm256_storeu_si256(q, _mm256_setzero_si256());
    if (low != nullptr) _mm256_storeu_si256(low, _mm256_setzero_si256());
    const int nan = largest_bits >= 0x7f800000 ? 0x7fc00000 : 0;
    std::memcpy(to.scales + at, &nan, sizeof nan);
    to.sums[at] = to.firsts[at] = 0;
    return;
  }
  __m256i rounded[4];
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i)
    rounded[i] = _mm256_cvtps_epi32(_mm256_mul_ps(value[i], _mm256_set1_ps(inverse)));
  const __m256i first = _mm256_add_epi32(rounded[0], rounded[1]);
  to.firsts[at] = reduce_add(first);
  to.sums[at] =
      reduce_add(_mm256_add_epi32(first, _mm256_add_epi32(rounded[2], rounded[3])));
  to.scales[at] = largest / limit;
  if (low != nullptr) {
    __m256i rest[4];
    BANTAM_UNROLL
    for (int i = 0; i < 4; ++i) {
      const __m256i high =
          _mm256_srai_epi32(_mm256_add_epi32(rounded[i], _mm256_set1_epi32(64)), 7);
      rest[i] = _mm256_sub_epi32(rounded[i], _mm256_slli_epi32(high, 7));
      rounded[i] = high;
    }
    _mm256_storeu_si256(low, as_bytes(rest));
  }
  _mm256_storeu_si256(q, as_bytes(rounded));
}

void quantise(const QuantiseRows& a, std::int64_t groups, std::int64_t begin, std::int64_t end) {
  const float limit = a.q_low == nullptr ? 127.0f : kMostOfTwoPlanes;
  for (std::int64_t row = begin; row < end; ++row) {
    const float* x = reinterpret_cast<const float*>(a.x.data) + row * a.x.stride;
    for (std::int64_t g = 0; g < groups; ++g)
      quantise_group(a, x + g * kGroup, limit,
                     (row / kTileRows * groups + g) * kTileRows + row % kTileRows);
  }
}

}  // namespace
BANTAM_TARGET_END

namespace {

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  quantise(a, a.x.columns() / kGroup, begin, end);
}

}  // namespace
}  // namespace avx2

void fill_avx2_quantise(Kernels& k) { k.quantise_rows = avx2::quantise_rows; }

}  // namespace bantam::kernels

#endif
