// NEON: strips of block-type weights where there is no dot product.
#if defined(__aarch64__)

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
using namespace layout;
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

#include "kernels/gemm/codes-inl.h"
#include "kernels/gemm/strip-inl.h"

#include "kernels/gemm/neon_strip-inl.h"

// Two products of bytes, at most 2 * 128 * 127, fit 16 bits. Sums of pairs: two an output.
struct Plain : NeonLanes {
  template <int lane>
  static BANTAM_INLINE int8x16_t four(int8x16_t a) {
    return vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(a), lane));
  }
  template <class C>
  static BANTAM_INLINE I dot4(const B (&codes)[4], const std::int8_t* a) {
    const int8x16_t bytes = vld1q_s8(a);
    const int8x16_t fours[4] = {four<0>(bytes), four<1>(bytes), four<2>(bytes), four<3>(bytes)};
    int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
    BANTAM_UNROLL
    for (int i = 0; i < 4; i += 2) {
      const int8x16_t w0 = (int8x16_t)codes[i], w1 = (int8x16_t)codes[i + 1];
      const int16x8_t first = vmull_s8(vget_low_s8(w0), vget_low_s8(fours[i]));
      low = vpadalq_s16(low, vmlal_s8(first, vget_low_s8(w1), vget_low_s8(fours[i + 1])));
      high = vpadalq_s16(high,
                         vmlal_high_s8(vmull_high_s8(w0, fours[i]), w1, fours[i + 1]));
    }
    return (I)vpaddq_s32(low, high);
  }
};

void strip(const StripBlock& p) noexcept { run_any<Plain, false>(p); }
void unpack(const UnpackCodes& u) noexcept { unpack_any<NeonLanes>(u); }

}  // namespace
BANTAM_TARGET_END
}  // namespace neon

void fill_neon_strip(Kernels& k) {
  k.unpack_codes = neon::unpack;
  k.strip = k.strip_tall = neon::strip;
}

}  // namespace bantam::kernels

#endif
