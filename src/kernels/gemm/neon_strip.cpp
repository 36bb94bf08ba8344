// NEON: quantised activations, and strips of q8_0 weights where there is no dot product.
#if defined(__aarch64__)

#include <cfloat>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam {
namespace neon {
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

#include "kernels/gemm/neon_strip-inl.h"

// Two products of bytes, at most 2 * 128 * 127, fit 16 bits. Sums of pairs: two a column.
struct Plain {
  struct Sum {
    int32x4_t low, high;
  };
  static BANTAM_INLINE Sum zero() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  static BANTAM_INLINE void add_two(Sum& sum, int8x16_t w0, int8x16_t w1, int8x16_t a0,
                                    int8x16_t a1) {
    const int16x8_t low = vmull_s8(vget_low_s8(w0), vget_low_s8(a0));
    sum.low = vpadalq_s16(sum.low, vmlal_s8(low, vget_low_s8(w1), vget_low_s8(a1)));
    sum.high = vpadalq_s16(sum.high, vmlal_high_s8(vmull_high_s8(w0, a0), w1, a1));
  }
  template <int lane>
  static BANTAM_INLINE int8x16_t four(int8x16_t a) {
    return vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(a), lane));
  }
  static BANTAM_INLINE void add(Sum& sum, const int8x16_t (&w)[4], int8x16_t a) {
    add_two(sum, w[0], w[1], four<0>(a), four<1>(a));
    add_two(sum, w[2], w[3], four<2>(a), four<3>(a));
  }
  static BANTAM_INLINE int32x4_t total(const Sum& sum) { return vpaddq_s32(sum.low, sum.high); }
};

void strip(const StripBlock& p) noexcept {
  std::int64_t r = 0;
  for (; r + 2 <= p.rows; r += 2) {
    pass<Plain, 2, 2>(p, r, 0);
    pass<Plain, 2, 2>(p, r, 8);
  }
  if (r < p.rows) pass<Plain, 1, 4>(p, r, 0);
}

void quantise_group(const float* x, std::int8_t* q, float& scale, std::int32_t& sum) {
  float32x4_t value[8];
  uint32x4_t most = vdupq_n_u32(0);
  BANTAM_UNROLL
  for (int i = 0; i < 8; ++i) {
    value[i] = vld1q_f32(x + 4 * i);
    // As integers, so that a NaN counts as the largest.
    most = vmaxq_u32(most, vreinterpretq_u32_f32(vabsq_f32(value[i])));
  }
  const std::uint32_t largest_bits = vmaxvq_u32(most);
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  const float inverse = 127.0f / largest;
  if (largest_bits >= 0x7f800000u || !(inverse <= FLT_MAX)) {
    std::memset(q, 0, kGroup);
    const std::uint32_t nan = largest_bits >= 0x7f800000u ? 0x7fc00000u : 0u;
    std::memcpy(&scale, &nan, sizeof nan);
    sum = 0;
    return;
  }
  int16x4_t rounded[8];
  int32x4_t sums = vdupq_n_s32(0);
  BANTAM_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int32x4_t whole = vcvtnq_s32_f32(vmulq_n_f32(value[i], inverse));
    sums = vaddq_s32(sums, whole);
    rounded[i] = vmovn_s32(whole);
  }
  BANTAM_UNROLL
  for (int i = 0; i < 8; i += 2)
    vst1_s8(q + 4 * i, vmovn_s16(vcombine_s16(rounded[i], rounded[i + 1])));
  sum = vaddvq_s32(sums);
  scale = largest / 127.0f;
}

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  const std::int64_t groups = a.x.columns() / kGroup;
  for (std::int64_t row = begin; row < end; ++row) {
    const float* x = reinterpret_cast<const float*>(a.x.data) + row * a.x.stride;
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t at = (row / kTileRows * groups + g) * kTileRows + row % kTileRows;
      quantise_group(x + g * kGroup, a.q + at * kGroup, a.scales[at], a.sums[at]);
    }
  }
}

}  // namespace
BANTAM_TARGET_END
}  // namespace neon

void fill_neon_strip(Kernels& k) {
  k.quantise_rows = neon::quantise_rows;
  k.strip_q8 = k.strip_q8_tall = neon::strip;
}

}  // namespace bantam

#endif
