// What the units of NEON's strips share: included once a file, after codes-inl.h and strip-inl.h.

struct NeonLanes {
  static constexpr int kColumns = 4, kMostRows = 4;
  static constexpr bool kFlips = false, kBothHalves = false, kFast = false;
  typedef std::uint8_t B __attribute__((vector_size(16)));
  typedef std::uint16_t W __attribute__((vector_size(16)));
  typedef std::int32_t I __attribute__((vector_size(16)));
  typedef float F __attribute__((vector_size(16)));

  static BANTAM_INLINE B load(const std::uint8_t* p) { return (B)vld1q_u8(p); }
  static BANTAM_INLINE F half(const std::uint16_t* p) {
    return (F)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
  }
  static BANTAM_INLINE I bytes(const std::int8_t* p) {
    std::uint32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    const int8x8_t narrow = vreinterpret_s8_u32(vdup_n_u32(four));
    return (I)vmovl_s16(vget_low_s16(vmovl_s8(narrow)));
  }
  static BANTAM_INLINE F fma(F a, F b, F c) {
    return (F)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
  }
  static BANTAM_INLINE I all_ints(std::int32_t x) { return (I)vdupq_n_s32(x); }
  static BANTAM_INLINE I times_128(I x) { return x << 7; }
  static BANTAM_INLINE F all(float x) { return (F)vdupq_n_f32(x); }
  static BANTAM_INLINE B lookup(B table, B codes) {
    return (B)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)codes);
  }
  static BANTAM_INLINE F canonical(F value) { return (F)neon::canonical((float32x4_t)value); }
};
