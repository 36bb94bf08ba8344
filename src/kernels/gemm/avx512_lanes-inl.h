// What the units of AVX-512's strips share: included once a file, after strip-inl.h.

struct Avx512Lanes {
  static constexpr int kColumns = 16, kMostRows = 8;
  typedef std::uint8_t B __attribute__((vector_size(64)));
  typedef std::uint16_t W __attribute__((vector_size(64)));
  typedef std::int32_t I __attribute__((vector_size(64)));
  typedef float F __attribute__((vector_size(64)));

  static BANTAM_INLINE B load(const std::uint8_t* p) { return (B)_mm512_load_si512(p); }
  static BANTAM_INLINE F half(const std::uint16_t* p) {
    return (F)_mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static BANTAM_INLINE I bytes(const std::int8_t* p) {
    return (I)_mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static BANTAM_INLINE F fma(F a, F b, F c) {
    return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
  }
  static BANTAM_INLINE I all_ints(std::int32_t x) { return (I)_mm512_set1_epi32(x); }
  static BANTAM_INLINE I times_128(I x) { return (I)_mm512_slli_epi32((__m512i)x, 7); }
  static BANTAM_INLINE F all(float x) { return (F)_mm512_set1_ps(x); }
  static BANTAM_INLINE B lookup(B table, B codes) {
    return (B)_mm512_shuffle_epi8((__m512i)table, (__m512i)codes);
  }
  // Each bit of `a` where `mask` has a one, else that of `b`.
  static constexpr bool kPicks = true;
  static BANTAM_INLINE B pick(B a, B b, B mask) {
    return (B)_mm512_ternarylogic_epi32((__m512i)a, (__m512i)b, (__m512i)mask, 0xe4);
  }
  static BANTAM_INLINE F canonical(F value) {
    const __mmask16 nan = _mm512_cmp_ps_mask((__m512)value, (__m512)value, _CMP_UNORD_Q);
    return (F)_mm512_mask_mov_epi32((__m512i)value, nan, _mm512_set1_epi32(0x7fc00000));
  }
};
