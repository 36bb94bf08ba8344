// NEON: blocks of bf16 panels in the order of the tile, by FMA.
#if defined(__aarch64__)

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

constexpr std::int64_t kTile = 512, kStep = 1024;  // elements
// FPCR: subnormal inputs and results are zero. (A result counts as subnormal before it is rounded:
// the one place where bytes may differ from those of x86, which looks afterwards.)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;

std::uint64_t control() {
  std::uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value)::"memory");
  return value;
}
void set_control(std::uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value) : "memory"); }

// Pairs of bf16 (even k in the lower half), each half as f32.
BANTAM_INLINE uint32x4_t pairs(const std::uint16_t* p) {
  return vreinterpretq_u32_u16(vld1q_u16(p));
}
BANTAM_INLINE float32x4_t even_of(uint32x4_t pairs) {
  return vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16));
}
BANTAM_INLINE float32x4_t odd_of(uint32x4_t pairs) {
  return vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff0000)));
}

// One step of `rows` rows by eight columns: an even and an odd chain each.
template <int rows>
struct Chains {
  float32x4_t even[rows][2], odd[rows][2];
};

// Lane `pair` of four pairs of each row of A times eight columns.
template <int pair, int rows>
BANTAM_INLINE void add_pair(Chains<rows>& c, const float32x4_t (&a_even)[rows],
                            const float32x4_t (&a_odd)[rows], const std::uint16_t* b) {
  BANTAM_UNROLL
  for (int v = 0; v < 2; ++v) {
    const uint32x4_t both = pairs(b + 32 * pair + 8 * v);
    const float32x4_t even = even_of(both), odd = odd_of(both);
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      c.even[r][v] = vfmaq_laneq_f32(c.even[r][v], even, a_even[r], pair);
      c.odd[r][v] = vfmaq_laneq_f32(c.odd[r][v], odd, a_odd[r], pair);
    }
  }
}

template <int rows>
BANTAM_INLINE void step(const std::uint16_t* a, const std::uint16_t* b, float* sums, bool start) {
  Chains<rows> c;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r)
    c.even[r][0] = c.even[r][1] = c.odd[r][0] = c.odd[r][1] = vdupq_n_f32(0);
  for (int first = 0; first < 16; first += 4) {
    loads_stay_below();
    float32x4_t a_even[rows], a_odd[rows];
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const uint32x4_t four = pairs(a + 32 * r + 2 * first);
      a_even[r] = even_of(four);
      a_odd[r] = odd_of(four);
    }
    const std::uint16_t* from = b + 32 * first;
    add_pair<0>(c, a_even, a_odd, from);
    add_pair<1>(c, a_even, a_odd, from);
    add_pair<2>(c, a_even, a_odd, from);
    add_pair<3>(c, a_even, a_odd, from);
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < 2; ++v) {
      float* at = sums + r * 32 + 4 * v;
      const float32x4_t before = start ? vdupq_n_f32(0) : vld1q_f32(at);
      vst1q_f32(at, vaddq_f32(before, vaddq_f32(c.even[r][v], c.odd[r][v])));
    }
  }
}

template <int rows>
void rows_block(const PanelBlock& p, std::int64_t first) {
  const std::uint16_t* a = p.a + first * 32;
  float* sums = p.sums + first * 32;
  for (std::int64_t s = 0; s < p.steps; ++s, a += kStep)
    for (std::int64_t column = 0; column < 32; column += 8) {
      const std::uint16_t* b = p.b + s * kStep + column / 16 * kTile + column % 16 * 2;
      step<rows>(a, b, sums + column, s == 0 && !p.resume);
    }
}

void panel_block(const PanelBlock& p) noexcept {
  const std::uint64_t saved = control();
  set_control(saved | kFlush);
  std::int64_t r = 0;
  for (; r + 4 <= p.rows; r += 4) rows_block<4>(p, r);
  for (; r + 2 <= p.rows; r += 2) rows_block<2>(p, r);
  if (r < p.rows) rows_block<1>(p, r);
  set_control(saved);
}

}  // namespace
BANTAM_TARGET_END
}  // namespace neon

void fill_neon_panel(Kernels& k) { k.panel_block = neon::panel_block; }

}  // namespace bantam::kernels

#endif
