// Strips of q8_0 weights for NEON, over a unit that adds products of bytes: included once a file,
// within its target marks, its namespace and an anonymous one (after neon.h).
//
// A unit has Sum, what four columns have come to; zero(); add(sum, w, a), 16 k more: w four vectors
// of four columns by four k; and total(sum), an integer a column.

constexpr std::int64_t kGroup = 32, kTileRows = 16, kGroupBytes = 512;

BANTAM_INLINE float32x4_t scales_of(const std::uint16_t* w_scales) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(w_scales)));
}

// `rows` rows from `first` on by 4 * `vectors` columns from `column` on.
template <class Unit, int rows, int vectors>
void pass(const StripBlock& p, std::int64_t first, std::int64_t column) {
  float32x4_t sum[rows][vectors];
  float* sums = p.sums + first * p.stride + column;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      sum[r][v] = p.resume ? vld1q_f32(sums + r * p.stride + 4 * v) : vdupq_n_f32(0);
  }
  const auto* w = reinterpret_cast<const std::int8_t*>(p.quants) + 4 * column;
  const std::uint16_t* w_scales = p.w_scales + column;
  const std::int8_t* a = p.a + first * kGroup;
  const float* a_scales = p.a_scales + first;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    typename Unit::Sum dot[rows][vectors];
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      BANTAM_UNROLL
      for (int v = 0; v < vectors; ++v) dot[r][v] = Unit::zero();
    }
    BANTAM_UNROLL
    for (int half = 0; half < 2; ++half) {
      loads_stay_below();
      int8x16_t bytes[rows];
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r) bytes[r] = vld1q_s8(a + r * kGroup + 16 * half);
      BANTAM_UNROLL
      for (int v = 0; v < vectors; ++v) {
        int8x16_t fours[4];
        BANTAM_UNROLL
        for (int f = 0; f < 4; ++f) fours[f] = vld1q_s8(w + 64 * (4 * half + f) + 16 * v);
        BANTAM_UNROLL
        for (int r = 0; r < rows; ++r) Unit::add(dot[r][v], fours, bytes[r]);
      }
    }
    loads_stay_below();
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const float32x4_t w_scale = scales_of(w_scales + 4 * v);
      BANTAM_UNROLL
      for (int r = 0; r < rows; ++r)
        sum[r][v] = vfmaq_n_f32(
            sum[r][v], vmulq_f32(vcvtq_f32_s32(Unit::total(dot[r][v])), w_scale), a_scales[r]);
    }
    w += kGroupBytes;
    w_scales += 16;
    a += kTileRows * kGroup;
    a_scales += kTileRows;
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v) vst1q_f32(sums + r * p.stride + 4 * v, canonical(sum[r][v]));
  }
}
