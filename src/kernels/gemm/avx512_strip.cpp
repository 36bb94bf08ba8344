// AVX-512 without VNNI: strips of block-type weights.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512 {
using namespace layout;
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

#include "kernels/gemm/codes-inl.h"
#include "kernels/gemm/strip-inl.h"

#include "kernels/gemm/avx512_lanes-inl.h"

BANTAM_INLINE __m512i four(const std::int8_t* a) {
  std::int32_t bits;
  std::memcpy(&bits, a, sizeof bits);
  return _mm512_set1_epi32(bits);
}

// Pairs of products in 16 bits: of small codes as many are added up as fit; bytes of their own are
// multiplied as magnitudes, with the sign on the other side (at most 2 * 128 * 127 a pair).
struct Plain : Avx512Lanes {
  static constexpr bool kFlips = false, kBothHalves = false, kFast = false;
  static BANTAM_INLINE __m512i pairs(__m512i codes, __m512i a) {
    return _mm512_maddubs_epi16(codes, a);
  }
  static BANTAM_INLINE __m512i signed_pairs(__m512i w, __m512i a) {
    const __mmask64 negative = _mm512_movepi8_mask(w);
    return pairs(_mm512_abs_epi8(w),
                 _mm512_mask_sub_epi8(a, negative, _mm512_setzero_si512(), a));
  }
  static BANTAM_INLINE __m512i wide(__m512i v) {
    return _mm512_madd_epi16(v, _mm512_set1_epi16(1));
  }
  template <class C>
  static BANTAM_INLINE I dot4(const B (&codes)[4], const std::int8_t* a) {
    __m512i p[4];
    BANTAM_UNROLL
    for (int i = 0; i < 4; ++i)
      p[i] = C::kBytes ? signed_pairs((__m512i)codes[i], four(a + 4 * i))
                       : pairs((__m512i)codes[i], four(a + 4 * i));
    if constexpr (C::kMost <= 31)
      return (I)wide(_mm512_add_epi16(_mm512_add_epi16(p[0], p[1]), _mm512_add_epi16(p[2], p[3])));
    if constexpr (C::kMost <= 63)
      return (I)_mm512_add_epi32(wide(_mm512_add_epi16(p[0], p[1])),
                                 wide(_mm512_add_epi16(p[2], p[3])));
    return (I)_mm512_add_epi32(_mm512_add_epi32(wide(p[0]), wide(p[1])),
                               _mm512_add_epi32(wide(p[2]), wide(p[3])));
  }
};

void strip(const StripBlock& p) noexcept { run_any<Plain, false>(p); }
void unpack(const UnpackCodes& u) noexcept { unpack_any<Avx512Lanes>(u); }

}  // namespace
BANTAM_TARGET_END
}  // namespace avx512

void fill_avx512_strip(Kernels& k) {
  k.unpack_codes = avx512::unpack;
  k.strip = k.strip_tall = avx512::strip;
  k.tall_as_codes = true;
}

}  // namespace bantam::kernels

#endif
