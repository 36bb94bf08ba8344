// AVX2: quantised activations, and strips of q8_0 weights with and without AVX-VNNI.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cfloat>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam {
namespace avx2 {
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

constexpr std::int64_t kGroup = 32, kTileRows = 16, kGroupBytes = 512;
constexpr std::int64_t kPrefetch = 4096;  // bytes ahead, into L2

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

BANTAM_INLINE void quantise_group(const float* x, std::int8_t* q, float& scale, std::int32_t& sum) {
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
  const float inverse = 127.0f / largest;
  if (largest_bits >= 0x7f800000 || !(inverse <= FLT_MAX)) {
    std::memset(q, 0, kGroup);
    const int nan = largest_bits >= 0x7f800000 ? 0x7fc00000 : 0;
    std::memcpy(&scale, &nan, sizeof nan);
    sum = 0;
    return;
  }
  __m256i rounded[4];
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i)
    rounded[i] = _mm256_cvtps_epi32(_mm256_mul_ps(value[i], _mm256_set1_ps(inverse)));
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(rounded[0], rounded[1]),
                                           _mm256_packs_epi32(rounded[2], rounded[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), _mm256_permutevar8x32_epi32(bytes, order));
  sum = reduce_add(_mm256_add_epi32(_mm256_add_epi32(rounded[0], rounded[1]),
                                    _mm256_add_epi32(rounded[2], rounded[3])));
  scale = largest / 127.0f;
}

void quantise(const QuantiseRows& a, std::int64_t groups, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    const float* x = reinterpret_cast<const float*>(a.x.data) + row * a.x.stride;
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t at = (row / kTileRows * groups + g) * kTileRows + row % kTileRows;
      quantise_group(x + g * kGroup, a.q + at * kGroup, a.scales[at], a.sums[at]);
    }
  }
}

BANTAM_INLINE __m256i four(const std::int8_t* a) {
  std::int32_t bits;
  std::memcpy(&bits, a, sizeof bits);
  return _mm256_set1_epi32(bits);
}

BANTAM_INLINE __m256 canonical(__m256 value) {
  return _mm256_blendv_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
                          _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}

// The four products of bytes of each lane added to `sum`.
//
// VNNI multiplies unsigned by signed: the weights' sign bit is flipped, which adds 128, and the sum
// starts at -128 times the group's sum of activations.
struct Vnni {
  static BANTAM_INLINE __m256i start(std::int32_t a_sum) { return _mm256_set1_epi32(-128 * a_sum); }
  struct Row {
    __m256i shifted;
  };
  static BANTAM_INLINE Row row(const std::uint8_t* w) {
    return {_mm256_xor_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(w)),
                             _mm256_set1_epi8(-128))};
  }
  static BANTAM_INLINE __m256i add(__m256i sum, const Row& w, __m256i a) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(w.shifted), "x"(a));
    return sum;
  }
};
// |w| by a with the sign of w: pairs are at most 2 * 128 * 127, which 16 bits hold.
struct Plain {
  static BANTAM_INLINE __m256i start(std::int32_t) { return _mm256_setzero_si256(); }
  struct Row {
    __m256i bytes, magnitude;
  };
  static BANTAM_INLINE Row row(const std::uint8_t* w) {
    const __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
    return {bytes, _mm256_abs_epi8(bytes)};
  }
  static BANTAM_INLINE __m256i add(__m256i sum, const Row& w, __m256i a) {
    const __m256i pairs = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(a, w.bytes));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

// `rows` rows from `first` on; columns in two halves of eight.
template <class Unit, int rows>
void pass(const StripBlock& p, std::int64_t first) {
  __m256 sum[rows][2];
  float* sums = p.sums + first * p.stride;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int h = 0; h < 2; ++h)
      sum[r][h] = p.resume ? _mm256_loadu_ps(sums + r * p.stride + 8 * h) : _mm256_setzero_ps();
  }
  const std::uint8_t* w = p.quants;
  const std::uint16_t* w_scales = p.w_scales;
  const std::int8_t* a = p.a + first * kGroup;
  const float* a_scales = p.a_scales + first;
  const std::int32_t* a_sums = p.a_sums + first;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    if constexpr (rows <= 2) {  // decoding waits for memory alone
      BANTAM_UNROLL
      for (int line = 0; line < kGroupBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(w + kPrefetch + line), _MM_HINT_T1);
      _mm_prefetch(reinterpret_cast<const char*>(w_scales + kPrefetch / kGroupBytes * 16),
                   _MM_HINT_T1);
    }
    __m256i dot[rows][2];
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) dot[r][0] = dot[r][1] = Unit::start(a_sums[r]);
    BANTAM_UNROLL
    for (int row = 0; row < 8; ++row) {
      const auto left = Unit::row(w + 64 * row), right = Unit::row(w + 64 * row + 32);
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r) {
        const __m256i fours = four(a + r * kGroup + 4 * row);
        dot[r][0] = Unit::add(dot[r][0], left, fours);
        dot[r][1] = Unit::add(dot[r][1], right, fours);
      }
    }
    BANTAM_UNROLL
    for (int h = 0; h < 2; ++h) {
      const __m256 w_scale =
          _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(w_scales + 8 * h)));
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r)
        sum[r][h] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot[r][h]), w_scale),
                                    _mm256_set1_ps(a_scales[r]), sum[r][h]);
    }
    w += kGroupBytes;
    w_scales += 16;
    a += kTileRows * kGroup;
    a_scales += kTileRows;
    a_sums += kTileRows;
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int h = 0; h < 2; ++h) _mm256_storeu_ps(sums + r * p.stride + 8 * h, canonical(sum[r][h]));
  }
}

template <class Unit>
void strip(const StripBlock& p) noexcept {
  std::int64_t r = 0;
  for (; r + 4 <= p.rows; r += 4) pass<Unit, 4>(p, r);
  for (; r + 2 <= p.rows; r += 2) pass<Unit, 2>(p, r);
  if (r < p.rows) pass<Unit, 1>(p, r);
}

}  // namespace
BANTAM_TARGET_END

namespace {

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  quantise(a, a.x.columns() / kGroup, begin, end);
}

}  // namespace
}  // namespace avx2

void fill_avx2_strip(Kernels& k, bool vnni) {
  k.quantise_rows = avx2::quantise_rows;
  k.strip_q8 = k.strip_q8_tall = vnni ? avx2::strip<avx2::Vnni> : avx2::strip<avx2::Plain>;
}

}  // namespace bantam

#endif
