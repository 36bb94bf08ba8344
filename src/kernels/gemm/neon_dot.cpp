// NEON: dot products of rows, 16 lanes in four registers.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

// Four weights as f32; memory need not be aligned.
struct F32 {
  static constexpr std::int64_t kSize = 4;
  static BANTAM_INLINE float32x4_t load(const std::byte* p) {
    return vreinterpretq_f32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)));
  }
};
struct F16 {
  static constexpr std::int64_t kSize = 2;
  static BANTAM_INLINE float32x4_t load(const std::byte* p) {
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(p))));
  }
};
struct Bf16 {
  static constexpr std::int64_t kSize = 2;
  static BANTAM_INLINE float32x4_t load(const std::byte* p) {
    return widen_bf16(vreinterpret_u16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(p))));
  }
};

// The first `count` of 16 elements as f32; the others are zero.
template <class W>
BANTAM_INLINE void copy_rest(const std::byte* from, std::int64_t count, float (&to)[16]) {
  std::byte copy[16 * W::kSize] = {};
  std::memcpy(copy, from, static_cast<std::size_t>(count * W::kSize));
  for (int q = 0; q < 4; ++q) vst1q_f32(to + 4 * q, W::load(copy + 4 * q * W::kSize));
}
// Which lanes of a quad are among the first `count` of 16.
BANTAM_INLINE uint32x4_t first_lanes(int quad, std::int64_t count) {
  constexpr std::int32_t kLane[4] = {0, 1, 2, 3};
  return vcltq_s32(vld1q_s32(kLane), vdupq_n_s32(static_cast<std::int32_t>(count) - 4 * quad));
}

// 16 lanes of `rows` x 4 sums.
template <int rows>
struct Sums {
  float32x4_t quad[4][rows][4];
};

// Lanes of the quads [first, first + count) over all of k. Two passes of half the lanes have
// registers for twice the rows.
template <class W, int rows, int first, int count>
BANTAM_INLINE void lanes(const DotBlock& d, const float* x, const std::byte* const (&w)[4],
                         Sums<rows>& sums) {
  BANTAM_UNROLL
  for (int q = first; q < first + count; ++q) {
    BANTAM_UNROLL
    for (int i = 0; i < rows; ++i) {
      BANTAM_UNROLL
      for (int j = 0; j < 4; ++j) sums.quad[q][i][j] = vdupq_n_f32(0);
    }
  }
  const std::byte* const from[4] = {w[0], w[1], w[2], w[3]};  // in registers
  const std::int64_t stride = d.x_stride, end = d.k;
  std::int64_t k = 0;
  for (; k + 16 <= end; k += 16) {
    BANTAM_UNROLL
    for (int q = first; q < first + count; ++q) {
      loads_stay_below();
      const std::int64_t at = k + 4 * q;
      float32x4_t a[rows];
      BANTAM_UNROLL
      for (int i = 0; i < rows; ++i) a[i] = vld1q_f32(x + i * stride + at);
      BANTAM_UNROLL
      for (int j = 0; j < 4; ++j) {
        const float32x4_t b = W::load(from[j] + at * W::kSize);
        BANTAM_UNROLL
        for (int i = 0; i < rows; ++i) sums.quad[q][i][j] = vfmaq_f32(sums.quad[q][i][j], a[i], b);
      }
    }
  }
  const std::int64_t rest = d.k - k;
  if (rest == 0) return;
  float a[rows][16], b[4][16];
  for (int i = 0; i < rows; ++i)
    copy_rest<F32>(reinterpret_cast<const std::byte*>(x + i * d.x_stride + k), rest, a[i]);
  for (int j = 0; j < 4; ++j) copy_rest<W>(w[j] + k * W::kSize, rest, b[j]);
  BANTAM_UNROLL
  for (int q = first; q < first + count; ++q) {
    const uint32x4_t there = first_lanes(q, rest);
    BANTAM_UNROLL
    for (int i = 0; i < rows; ++i) {
      BANTAM_UNROLL
      for (int j = 0; j < 4; ++j) {
        float32x4_t& sum = sums.quad[q][i][j];
        sum =
            vbslq_f32(there, vfmaq_f32(sum, vld1q_f32(a[i] + 4 * q), vld1q_f32(b[j] + 4 * q)), sum);
      }
    }
  }
}

// The tree for four sums.
BANTAM_INLINE float32x4_t add_halves(float32x4_t a, float32x4_t b) {
  return vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)),
                   vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
}
template <int rows>
BANTAM_INLINE float32x4_t fold4(const Sums<rows>& sums, int i) {
  float32x4_t r2[4];
  BANTAM_UNROLL
  for (int j = 0; j < 4; ++j)
    r2[j] = vaddq_f32(vaddq_f32(sums.quad[0][i][j], sums.quad[2][i][j]),
                      vaddq_f32(sums.quad[1][i][j], sums.quad[3][i][j]));
  return vpaddq_f32(add_halves(r2[0], r2[1]), add_halves(r2[2], r2[3]));
}

BANTAM_INLINE void store(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left,
                         float32x4_t value) {
  float* y = d.y + r * d.y_stride + c;
  if (left >= 4) {
    if (d.bias != nullptr) value = vaddq_f32(value, vld1q_f32(d.bias + c));
    if (d.add) value = vaddq_f32(vld1q_f32(y), value);
    vst1q_f32(y, canonical(value));
    return;
  }
  float copy[4];
  vst1q_f32(copy, value);
  for (std::int64_t j = 0; j < left; ++j) {
    if (d.bias != nullptr) copy[j] += d.bias[c + j];
    if (d.add) copy[j] = y[j] + copy[j];
  }
  vst1q_f32(copy, canonical(vld1q_f32(copy)));
  std::memcpy(y, copy, static_cast<std::size_t>(left) * sizeof(float));
}

// `rows` by four of y from (r, c) on; of the columns only `left` exist (the others repeat the last,
// and are not written).
template <class W, int rows>
void tile(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left) {
  const std::byte* w[4];
  BANTAM_UNROLL
  for (int j = 0; j < 4; ++j) w[j] = d.w + (c + (j < left ? j : left - 1)) * d.w_stride * W::kSize;
  const float* x = d.x + r * d.x_stride;
  Sums<rows> sums;
  if constexpr (rows == 1) {  // waits for memory: weights are read once
    lanes<W, rows, 0, 4>(d, x, w, sums);
  } else {
    lanes<W, rows, 0, 2>(d, x, w, sums);
    lanes<W, rows, 2, 2>(d, x, w, sums);
  }
  BANTAM_UNROLL
  for (int i = 0; i < rows; ++i) store(d, r + i, c, left, fold4<rows>(sums, i));
}

template <class W>
void dot(const DotBlock& d) noexcept {
  for (std::int64_t c = 0; c < d.columns; c += 4) {
    const std::int64_t left = d.columns - c;
    std::int64_t r = 0;
    for (; r + 3 <= d.rows; r += 3) tile<W, 3>(d, r, c, left);
    if (d.rows - r == 2) tile<W, 2>(d, r, c, left);
    if (d.rows - r == 1) tile<W, 1>(d, r, c, left);
  }
}

}  // namespace
BANTAM_TARGET_END
}  // namespace neon

void fill_neon_dot(Kernels& k) {
  k.dot_f32 = neon::dot<neon::F32>;
  k.dot_f16 = neon::dot<neon::F16>;
  k.dot_bf16 = neon::dot<neon::Bf16>;
}

}  // namespace bantam::kernels

#endif
