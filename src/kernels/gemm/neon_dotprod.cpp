// NEON with SDOT (FEAT_DotProd): strips of q8_0 weights.
#if defined(__aarch64__)

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam {
namespace neon {
BANTAM_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace {

#include "kernels/gemm/neon_strip-inl.h"

struct DotProduct {
  using Sum = int32x4_t;
  static BANTAM_INLINE Sum zero() { return vdupq_n_s32(0); }
  static BANTAM_INLINE void add(Sum& sum, const int8x16_t (&w)[4], int8x16_t a) {
    sum = vdotq_laneq_s32(sum, w[0], a, 0);
    sum = vdotq_laneq_s32(sum, w[1], a, 1);
    sum = vdotq_laneq_s32(sum, w[2], a, 2);
    sum = vdotq_laneq_s32(sum, w[3], a, 3);
  }
  static BANTAM_INLINE int32x4_t total(Sum sum) { return sum; }
};

void strip(const StripBlock& p) noexcept {
  std::int64_t r = 0;
  for (; r + 4 <= p.rows; r += 4) {
    pass<DotProduct, 4, 2>(p, r, 0);
    pass<DotProduct, 4, 2>(p, r, 8);
  }
  for (; r + 2 <= p.rows; r += 2) pass<DotProduct, 2, 4>(p, r, 0);
  if (r < p.rows) pass<DotProduct, 1, 4>(p, r, 0);
}

}  // namespace
BANTAM_TARGET_END

void strip_dotprod(const StripBlock& p) noexcept { strip(p); }

}  // namespace neon

void fill_neon_dotprod(Kernels& k) { k.strip_q8 = k.strip_q8_tall = neon::strip_dotprod; }

}  // namespace bantam

#endif
