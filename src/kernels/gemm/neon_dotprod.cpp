// NEON with SDOT (FEAT_DotProd): strips of block-type weights.
#if defined(__aarch64__)

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
using namespace layout;
BANTAM_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace {

#include "kernels/gemm/codes-inl.h"
#include "kernels/gemm/strip-inl.h"

#include "kernels/gemm/neon_strip-inl.h"

// Small codes are signed bytes as well as unsigned ones.
struct DotProduct : NeonLanes {
  template <class C>
  static BANTAM_INLINE I dot4(const B (&codes)[4], const std::int8_t* a) {
    const int8x16_t bytes = vld1q_s8(a);
    int32x4_t sum = vdotq_laneq_s32(vdupq_n_s32(0), (int8x16_t)codes[0], bytes, 0);
    sum = vdotq_laneq_s32(sum, (int8x16_t)codes[1], bytes, 1);
    sum = vdotq_laneq_s32(sum, (int8x16_t)codes[2], bytes, 2);
    return (I)vdotq_laneq_s32(sum, (int8x16_t)codes[3], bytes, 3);
  }
};

void strip(const StripBlock& p) { run_any<DotProduct, true>(p); }

}  // namespace
BANTAM_TARGET_END

void strip_dotprod(const StripBlock& p) noexcept { strip(p); }

}  // namespace neon

void fill_neon_dotprod(Kernels& k) { k.strip = k.strip_tall = neon::strip_dotprod; }

}  // namespace bantam::kernels

#endif
