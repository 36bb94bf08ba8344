// NEON: activations rounded to bytes.
#if defined(__aarch64__)

#include <cfloat>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"
#include "kernels/gemm/numbers.h"

namespace bantam::kernels {
namespace neon {
using namespace layout;
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

// Group number `at`: the largest magnitude becomes `limit`.
void quantise_group(const QuantiseRows& to, const float* x, float limit, std::int64_t at) {
  std::int8_t* const q = to.q + at * kGroup;
  std::int8_t* const low = to.q_low == nullptr ? nullptr : to.q_low + at * kGroup;
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
  const float inverse = limit / largest;
  if (largest_bits >= 0x7f800000u || !(inverse <= FLT_MAX)) {
    std::memset(q, 0, kGroup);
    if (low != nullptr) std::memset(low, 0, kGroup);
    const std::uint32_t nan = largest_bits >= 0x7f800000u ? 0x7fc00000u : 0u;
    std::memcpy(to.scales + at, &nan, sizeof nan);
    to.sums[at] = to.firsts[at] = 0;
    return;
  }
  int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
  BANTAM_UNROLL
  for (int i = 0; i < 8; i += 2) {
    int32x4_t whole[2];
    int16x4_t rest[2], high[2];
    BANTAM_UNROLL
    for (int j = 0; j < 2; ++j) {
      whole[j] = vcvtnq_s32_f32(vmulq_n_f32(value[i + j], inverse));
      sums[i / 4] = vaddq_s32(sums[i / 4], whole[j]);
      if (low != nullptr) {
        const int32x4_t upper = vshrq_n_s32(vaddq_s32(whole[j], vdupq_n_s32(64)), 7);
        rest[j] = vmovn_s32(vsubq_s32(whole[j], vshlq_n_s32(upper, 7)));
        whole[j] = upper;
      }
      high[j] = vmovn_s32(whole[j]);
    }
    vst1_s8(q + 4 * i, vmovn_s16(vcombine_s16(high[0], high[1])));
    if (low != nullptr) vst1_s8(low + 4 * i, vmovn_s16(vcombine_s16(rest[0], rest[1])));
  }
  to.firsts[at] = vaddvq_s32(sums[0]);
  to.sums[at] = vaddvq_s32(vaddq_s32(sums[0], sums[1]));
  to.scales[at] = largest / limit;
}

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  const float limit = a.q_low == nullptr ? 127.0f : kMostOfTwoPlanes;
  const std::int64_t groups = a.x.columns() / kGroup;
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t g = 0; g < groups; ++g)
      quantise_group(a, reinterpret_cast<const float*>(a.x.data) + row * a.x.stride + g * kGroup,
                     limit, (row / kTileRows * groups + g) * kTileRows + row % kTileRows);
}

}  // namespace
BANTAM_TARGET_END
}  // namespace neon

void fill_neon_quantise(Kernels& k) { k.quantise_rows = neon::quantise_rows; }

}  // namespace bantam::kernels

#endif
