// NEON with SMMLA (FEAT_I8MM): strips of 8-bit codes with plain scales, two rows at a time; the
// rest is SDOT's. Sums are kept by 2 x 2:
// two rows by two columns a register, as the instruction has them.
#if defined(__aarch64__)

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
using namespace layout;
BANTAM_TARGET_BEGIN("arch=armv8.2-a+i8mm")
namespace {

// Halves of two registers put together.
BANTAM_INLINE int8x16_t low_halves(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
BANTAM_INLINE int8x16_t high_halves(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

// Four columns by eight k, from two times four k: as columns 0, 1 and columns 2, 3.
struct Columns {
  int8x16_t pair[2];
};
BANTAM_INLINE Columns columns_of(const std::int8_t* w) {
  const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(w));
  const int32x4_t second = vreinterpretq_s32_s8(vld1q_s8(w + 64));
  return {{vreinterpretq_s8_s32(vzip1q_s32(first, second)),
           vreinterpretq_s8_s32(vzip2q_s32(first, second))}};
}

// 2 * `pairs` rows by eight columns of one group.
template <int pairs>
BANTAM_INLINE void dot_group(const std::int8_t* w, const std::int8_t* a,
                             int32x4_t (&dot)[pairs][4]) {
  BANTAM_UNROLL
  for (int half = 0; half < 2; ++half) {
    int8x16_t rows[pairs][2];
    BANTAM_UNROLL
    for (int i = 0; i < pairs; ++i) {
      const int8x16_t upper = vld1q_s8(a + 2 * i * kGroup + 16 * half);
      const int8x16_t lower = vld1q_s8(a + (2 * i + 1) * kGroup + 16 * half);
      rows[i][0] = low_halves(upper, lower);
      rows[i][1] = high_halves(upper, lower);
    }
    BANTAM_UNROLL
    for (int eight = 0; eight < 2; ++eight) {
      loads_stay_below();
      BANTAM_UNROLL
      for (int v = 0; v < 2; ++v) {
        const Columns columns = columns_of(w + 64 * (4 * half + 2 * eight) + 16 * v);
        BANTAM_UNROLL
        for (int i = 0; i < pairs; ++i) {
          dot[i][2 * v] = vmmlaq_s32(dot[i][2 * v], rows[i][eight], columns.pair[0]);
          dot[i][2 * v + 1] = vmmlaq_s32(dot[i][2 * v + 1], rows[i][eight], columns.pair[1]);
        }
      }
    }
  }
}

// The same from memory, row by row.
template <int pairs>
BANTAM_INLINE void load_sums(const float* from, std::int64_t stride, float32x4_t (&sum)[pairs][4]) {
  BANTAM_UNROLL
  for (int i = 0; i < pairs; ++i) {
    BANTAM_UNROLL
    for (int j = 0; j < 4; ++j)
      sum[i][j] = vcombine_f32(vld1_f32(from + 2 * i * stride + 2 * j),
                               vld1_f32(from + (2 * i + 1) * stride + 2 * j));
  }
}
template <int pairs>
BANTAM_INLINE void store_sums(const float32x4_t (&sum)[pairs][4], float* to, std::int64_t stride) {
  BANTAM_UNROLL
  for (int i = 0; i < pairs; ++i) {
    BANTAM_UNROLL
    for (int j = 0; j < 4; ++j) {
      const float32x4_t value = canonical(sum[i][j]);
      vst1_f32(to + 2 * i * stride + 2 * j, vget_low_f32(value));
      vst1_f32(to + (2 * i + 1) * stride + 2 * j, vget_high_f32(value));
    }
  }
}

template <int pairs>
void pass(const StripBlock& p, std::int64_t first, std::int64_t column) {
  float32x4_t sum[pairs][4];
  float* sums = p.sums + first * p.stride + column;
  if (p.resume) {
    load_sums<pairs>(sums, p.stride, sum);
  } else {
    BANTAM_UNROLL
    for (int i = 0; i < pairs; ++i) sum[i][0] = sum[i][1] = sum[i][2] = sum[i][3] = vdupq_n_f32(0);
  }
  const auto* w = reinterpret_cast<const std::int8_t*>(p.w.codes) + 4 * column;
  const std::uint16_t* w_scales = reinterpret_cast<const std::uint16_t*>(p.w.scales) + column;
  const std::int8_t* a = p.a + first * kGroup;
  const float* a_scales = p.a_scales + first;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    int32x4_t dot[pairs][4];
    BANTAM_UNROLL
    for (int i = 0; i < pairs; ++i) dot[i][0] = dot[i][1] = dot[i][2] = dot[i][3] = vdupq_n_s32(0);
    dot_group<pairs>(w, a, dot);
    BANTAM_UNROLL
    for (int j = 0; j < 4; ++j) {
      const float32x4_t four = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(w_scales + j / 2 * 4)));
      const float32x2_t two = j % 2 == 0 ? vget_low_f32(four) : vget_high_f32(four);
      const float32x4_t w_scale = vcombine_f32(two, two);
      BANTAM_UNROLL
      for (int i = 0; i < pairs; ++i) {
        const float32x4_t a_scale =
            vcombine_f32(vdup_n_f32(a_scales[2 * i]), vdup_n_f32(a_scales[2 * i + 1]));
        sum[i][j] = vfmaq_f32(sum[i][j], vmulq_f32(vcvtq_f32_s32(dot[i][j]), w_scale), a_scale);
      }
    }
    w += kGroupBytes;
    w_scales += 16;
    a += kTileRows * kGroup;
    a_scales += kTileRows;
  }
  store_sums<pairs>(sum, sums, p.stride);
}

void even_rows(const StripBlock& p) {
  std::int64_t r = 0;
  for (; r + 4 <= p.rows; r += 4) {
    pass<2>(p, r, 0);
    pass<2>(p, r, 8);
  }
  if (r + 2 <= p.rows) {
    pass<1>(p, r, 0);
    pass<1>(p, r, 8);
  }
}

}  // namespace
BANTAM_TARGET_END

namespace {

void strip(const StripBlock& p) noexcept {
  if (p.w.layout.codes != Codes::bits8 || !p.w.layout.plain() || p.a_low != nullptr)
    return strip_dotprod(p);
  StripBlock one = p;
  one.strips = 1;
  for (std::int64_t strip = 0; strip < p.strips; ++strip) {
    even_rows(one);
    one.w.codes += p.groups * kGroupBytes;
    one.w.scales += p.groups * 32;
    one.sums += kTileRows * p.stride;
  }
  if (p.rows % 2 == 0) return;
  StripBlock last = p;
  last.a += (p.rows - 1) * kGroup;
  last.a_scales += p.rows - 1;
  last.a_sums += p.rows - 1;
  last.a_firsts += p.rows - 1;
  last.sums += (p.rows - 1) * p.stride;
  last.rows = 1;
  strip_dotprod(last);
}

}  // namespace
}  // namespace neon

void fill_neon_i8mm(Kernels& k) { k.strip = k.strip_tall = neon::strip; }

}  // namespace bantam::kernels

#endif
