// AVX2 with AVX-VNNI: strips of block-type weights.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx_vnni {
using namespace layout;
BANTAM_TARGET_BEGIN("avx2,avxvnni,fma,f16c")
namespace {

#include "kernels/gemm/codes-inl.h"
#include "kernels/gemm/strip-inl.h"

#include "kernels/gemm/avx2_lanes-inl.h"

// VNNI multiplies unsigned by signed.
struct Vnni : Avx2Lanes {
  static constexpr bool kFlips = true;
  static BANTAM_INLINE __m256i add(__m256i sum, B codes, const std::int8_t* a) {
    return _mm256_dpbusd_avx_epi32(sum, (__m256i)codes, four(a));
  }
  template <class C>
  static BANTAM_INLINE I dot4(const B (&codes)[4], const std::int8_t* a) {
    __m256i sum = add(_mm256_setzero_si256(), codes[0], a);
    sum = add(sum, codes[1], a + 4);
    sum = add(sum, codes[2], a + 8);
    return (I)add(sum, codes[3], a + 12);
  }
};

void strip(const StripBlock& p) noexcept { run_any<Vnni, true>(p); }

}  // namespace
BANTAM_TARGET_END
}  // namespace avx_vnni

void fill_avx_vnni(Kernels& k) { k.strip = k.strip_tall = avx_vnni::strip; }

}  // namespace bantam::kernels

#endif
