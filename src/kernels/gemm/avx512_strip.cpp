// AVX-512: quantised activations, and strips of q8_0 weights with and without VNNI.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cfloat>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam {
namespace avx512 {
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

constexpr std::int64_t kGroup = 32, kTileRows = 16, kGroupBytes = 512;
constexpr std::int64_t kPrefetch = 4096;  // bytes ahead, into L2: into L1 it holds up the loads

BANTAM_INLINE void quantise_group(const float* x, std::int8_t* q, float& scale, std::int32_t& sum) {
  const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  // As integers, so that a NaN counts as the largest.
  const int largest_bits = _mm512_reduce_max_epi32(
      _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                       _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  const float inverse = 127.0f / largest;
  if (largest_bits >= 0x7f800000 || !(inverse <= FLT_MAX)) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), _mm256_setzero_si256());
    const int nan = 0x7fc00000;
    if (largest_bits >= 0x7f800000)
      std::memcpy(&scale, &nan, sizeof nan);
    else
      scale = 0.0f;
    sum = 0;
    return;
  }
  const __m512 factor = _mm512_set1_ps(inverse);
  const __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(low, factor));
  const __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(high, factor));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(a));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q + 16), _mm512_cvtepi32_epi8(b));
  sum = _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
  scale = largest / 127.0f;
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
BANTAM_INLINE bool quantise_four(const float* x, std::int8_t* q, float* scales,
                                 std::int32_t* sums) {
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
  const __m128 inverse = _mm_div_ps(_mm_set1_ps(127.0f), largest);
  if (_mm_cmp_ps_mask(inverse, _mm_set1_ps(FLT_MAX), _CMP_LE_OQ) != 15 ||
      _mm_cmp_ps_mask(largest, _mm_set1_ps(FLT_MAX), _CMP_LE_OQ) != 15)
    return false;
  float factor[4], scale[4];
  std::int32_t sum[4];
  _mm_storeu_ps(factor, inverse);
  _mm_storeu_ps(scale, _mm_div_ps(largest, _mm_set1_ps(127.0f)));
  __m512i total[4];
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i) {
    const __m512 by = _mm512_set1_ps(factor[i]);
    const __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(low[i], by));
    const __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(high[i], by));
    std::int8_t* to = q + i * kTileRows * kGroup;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(a));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), _mm512_cvtepi32_epi8(b));
    total[i] = _mm512_add_epi32(a, b);
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sum), sum4(total));
  BANTAM_UNROLL
  for (int i = 0; i < 4; ++i) {
    scales[i * kTileRows] = scale[i];
    sums[i * kTileRows] = sum[i];
  }
  return true;
}

void quantise(const QuantiseRows& a, std::int64_t groups, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    const float* x = reinterpret_cast<const float*>(a.x.data) + row * a.x.stride;
    const std::int64_t first = row / kTileRows * groups * kTileRows + row % kTileRows;
    for (std::int64_t g = 0; g < groups;) {
      const std::int64_t at = first + g * kTileRows;
      if (g + 4 <= groups &&
          quantise_four(x + g * kGroup, a.q + at * kGroup, a.scales + at, a.sums + at)) {
        g += 4;
        continue;
      }
      quantise_group(x + g * kGroup, a.q + at * kGroup, a.scales[at], a.sums[at]);
      ++g;
    }
  }
}

BANTAM_INLINE __m512 canonical(__m512 value) {
  const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  return _mm512_castsi512_ps(
      _mm512_mask_mov_epi32(_mm512_castps_si512(value), nan, _mm512_set1_epi32(0x7fc00000)));
}

// The four products of bytes of each lane, added up over a group; `w` is a row of 64 weights.
//
// VNNI multiplies unsigned by signed: the weights' sign bit is flipped, which adds 128, and 128
// times the group's sum of activations is taken off at the end.
struct Vnni {
  struct Row {
    __m512i shifted;
  };
  static BANTAM_INLINE Row row(const std::uint8_t* w) {
    return {_mm512_xor_si512(_mm512_load_si512(w), _mm512_set1_epi8(-128))};
  }
  static BANTAM_INLINE __m512i add(__m512i sum, const Row& w, const std::int8_t* a) {
    using Four __attribute__((may_alias)) = std::int32_t;
    asm("vpdpbusd %2%{1to16%}, %1, %0"
        : "+v"(sum)
        : "v"(w.shifted), "m"(*reinterpret_cast<const Four*>(a)));
    return sum;
  }
  static BANTAM_INLINE __m512i finish(__m512i sum, const std::int32_t& a_sum) {
    return _mm512_sub_epi32(sum, _mm512_slli_epi32(_mm512_set1_epi32(a_sum), 7));
  }
};
// |w| by a with the sign of w: pairs are at most 2 * 128 * 127, which 16 bits hold.
struct Plain {
  struct Row {
    __m512i magnitude;
    __mmask64 negative;
  };
  static BANTAM_INLINE Row row(const std::uint8_t* w) {
    const __m512i bytes = _mm512_load_si512(w);
    return {_mm512_abs_epi8(bytes), _mm512_movepi8_mask(bytes)};
  }
  static BANTAM_INLINE __m512i add(__m512i sum, const Row& w, const std::int8_t* a) {
    std::int32_t bits;
    std::memcpy(&bits, a, sizeof bits);
    const __m512i four = _mm512_set1_epi32(bits);
    const __m512i turned = _mm512_mask_sub_epi8(four, w.negative, _mm512_setzero_si512(), four);
    const __m512i pairs = _mm512_maddubs_epi16(w.magnitude, turned);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
  static BANTAM_INLINE __m512i finish(__m512i sum, const std::int32_t&) { return sum; }
};

// `rows` rows from `first` on. `ahead`: few rows wait for memory alone. Where rows are few, the two
// halves of a group have a chain each, to hide the latency: all of it is exact.
template <class Unit, int rows, bool ahead>
void pass(const StripBlock& p, std::int64_t first) {
  constexpr int kChains = rows <= 2 ? 2 : 1;
  __m512 sum[rows];
  float* sums = p.sums + first * p.stride;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r)
    sum[r] = p.resume ? _mm512_loadu_ps(sums + r * p.stride) : _mm512_setzero_ps();
  const std::uint8_t* w = p.quants;
  const std::uint16_t* w_scales = p.w_scales;
  const std::int8_t* a = p.a + first * kGroup;
  const float* a_scales = p.a_scales + first;
  const std::int32_t* a_sums = p.a_sums + first;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    if constexpr (ahead) {
      BANTAM_UNROLL
      for (int line = 0; line < kGroupBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(w + kPrefetch + line), _MM_HINT_T1);
      _mm_prefetch(reinterpret_cast<const char*>(w_scales + kPrefetch / kGroupBytes * 16),
                   _MM_HINT_T1);
    }
    __m512i dot[kChains][rows];
    BANTAM_UNROLL
    for (int c = 0; c < kChains; ++c) {
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r) dot[c][r] = _mm512_setzero_si512();
    }
    BANTAM_UNROLL
    for (int row = 0; row < 8; ++row) {
      const auto weights = Unit::row(w + 64 * row);
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r) {
        __m512i& chain = dot[row % kChains][r];
        chain = Unit::add(chain, weights, a + r * kGroup + 4 * row);
      }
    }
    const __m512 w_scale =
        _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(w_scales)));
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const __m512i both =
          kChains == 2 ? _mm512_add_epi32(dot[0][r], dot[kChains - 1][r]) : dot[0][r];
      const __m512 total = _mm512_cvtepi32_ps(Unit::finish(both, a_sums[r]));
      sum[r] = _mm512_fmadd_ps(_mm512_mul_ps(total, w_scale), _mm512_set1_ps(a_scales[r]), sum[r]);
    }
    w += kGroupBytes;
    w_scales += 16;
    a += kTileRows * kGroup;
    a_scales += kTileRows;
    a_sums += kTileRows;
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) _mm512_storeu_ps(sums + r * p.stride, canonical(sum[r]));
}

template <class Unit>
void strip(const StripBlock& p) noexcept {
  if (p.rows == 8) return pass<Unit, 8, true>(p, 0);
  std::int64_t r = 0;
  for (; r + 8 <= p.rows; r += 8) pass<Unit, 8, false>(p, r);
  for (; r + 4 <= p.rows; r += 4) pass<Unit, 4, true>(p, r);
  for (; r + 2 <= p.rows; r += 2) pass<Unit, 2, true>(p, r);
  if (r < p.rows) pass<Unit, 1, true>(p, r);
}

}  // namespace
BANTAM_TARGET_END

namespace {

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  quantise(a, a.x.columns() / kGroup, begin, end);
}

}  // namespace
}  // namespace avx512

void fill_avx512_strip(Kernels& k, bool vnni) {
  k.quantise_rows = avx512::quantise_rows;
  k.strip_q8 = k.strip_q8_tall = vnni ? avx512::strip<avx512::Vnni> : avx512::strip<avx512::Plain>;
}

}  // namespace bantam

#endif
