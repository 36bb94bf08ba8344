// AVX2: strips of block-type weights.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx2 {
using namespace layout;
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

#include "kernels/gemm/codes-inl.h"
#include "kernels/gemm/strip-inl.h"

#include "kernels/gemm/avx2_lanes-inl.h"

// Pairs of products in 16 bits: of small codes as many are added up as fit; bytes of their own are
// multiplied as magnitudes, with the sign on the other side (at most 2 * 128 * 127 a pair).
struct Plain : Avx2Lanes {
  static constexpr bool kFlips = false;
  static BANTAM_INLINE __m256i signed_pairs(__m256i w, __m256i a) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
  }
  static BANTAM_INLINE __m256i wide(__m256i v) {
    return _mm256_madd_epi16(v, _mm256_set1_epi16(1));
  }
  // A sum that is made before what follows: GCC otherwise computes the products of all rows first and
  // keeps them on the stack, as there are 16 registers.
  static BANTAM_INLINE I made(__m256i v) {
    asm volatile("" : "+x"(v));
    return (I)v;
  }
  template <class C>
  static BANTAM_INLINE I dot4(const B (&codes)[4], const std::int8_t* a) {
    __m256i p[4];
    BANTAM_UNROLL
    for (int i = 0; i < 4; ++i)
      p[i] = C::kBytes ? signed_pairs((__m256i)codes[i], four(a + 4 * i))
                       : _mm256_maddubs_epi16((__m256i)codes[i], four(a + 4 * i));
    if constexpr (C::kMost <= 31)
      return made(
          wide(_mm256_add_epi16(_mm256_add_epi16(p[0], p[1]), _mm256_add_epi16(p[2], p[3]))));
    if constexpr (C::kMost <= 63)
      return made(_mm256_add_epi32(wide(_mm256_add_epi16(p[0], p[1])),
                                   wide(_mm256_add_epi16(p[2], p[3]))));
    return made(_mm256_add_epi32(_mm256_add_epi32(wide(p[0]), wide(p[1])),
                                 _mm256_add_epi32(wide(p[2]), wide(p[3]))));
  }
};

void strip(const StripBlock& p) noexcept { run_any<Plain, true>(p); }
void unpack(const UnpackCodes& u) noexcept { unpack_any<Avx2Lanes>(u); }

}  // namespace
BANTAM_TARGET_END
}  // namespace avx2

void fill_avx2_strip(Kernels& k) {
  k.unpack_codes = avx2::unpack;
  k.strip = k.strip_tall = avx2::strip;
  k.tall_as_codes = true;
  k.narrow_rows = 32;
}

}  // namespace bantam::kernels

#endif
