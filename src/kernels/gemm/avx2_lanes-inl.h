// What the units of AVX2's strips share: included once a file, after strip-inl.h.

struct Avx2Lanes {
  static constexpr int kColumns = 8, kMostRows = 4;
  static constexpr bool kBothHalves = false, kFast = false;
  typedef std::uint8_t B __attribute__((vector_size(32)));
  typedef std::uint16_t W __attribute__((vector_size(32)));
  typedef std::int32_t I __attribute__((vector_size(32)));
  typedef float F __attribute__((vector_size(32)));

  static BANTAM_INLINE B load(const std::uint8_t* p) {
    return (B)_mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  static BANTAM_INLINE F half(const std::uint16_t* p) {
    return (F)_mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static BANTAM_INLINE I bytes(const std::int8_t* p) {
    return (I)_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static BANTAM_INLINE F fma(F a, F b, F c) {
    return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
  }
  static BANTAM_INLINE I all_ints(std::int32_t x) { return (I)_mm256_set1_epi32(x); }
  static BANTAM_INLINE I times_128(I x) { return (I)_mm256_slli_epi32((__m256i)x, 7); }
  static BANTAM_INLINE F all(float x) { return (F)_mm256_set1_ps(x); }
  static BANTAM_INLINE B lookup(B table, B codes) {
    return (B)_mm256_shuffle_epi8((__m256i)table, (__m256i)codes);
  }
  static BANTAM_INLINE F canonical(F value) {
    const __m256 v = (__m256)value;
    return (F)_mm256_blendv_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
                               _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  }
};

BANTAM_INLINE __m256i four(const std::int8_t* a) {
  std::int32_t bits;
  std::memcpy(&bits, a, sizeof bits);
  return _mm256_set1_epi32(bits);
}
