// AVX2: packing factors into bf16 panels, and blocks of sums from and to memory.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx2 {
BANTAM_TARGET_BEGIN("avx2,fma,f16c")
namespace {

constexpr std::int64_t kTile = 512;

BANTAM_INLINE __m256i load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
BANTAM_INLINE void store(void* p, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), value);
}

// Rounding to nearest even, subnormals to zero, NaN made quiet; bf16 in the low half of each lane.
BANTAM_INLINE __m256i round_high(__m256 value) {
  const __m256i bits = _mm256_castps_si256(value), exponent = _mm256_set1_epi32(0x7f800000);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  const __m256i tiny = _mm256_cmpeq_epi32(_mm256_and_si256(bits, exponent), _mm256_setzero_si256());
  const __m256i sign = _mm256_and_si256(bits, _mm256_set1_epi32(INT32_MIN));
  const __m256i with_nan = _mm256_blendv_epi8(rounded, quiet, nan);
  return _mm256_srli_epi32(_mm256_blendv_epi8(with_nan, sign, tiny), 16);
}
BANTAM_INLINE __m256i to_bf16(__m256 low, __m256 high) {
  return _mm256_permute4x64_epi64(_mm256_packus_epi32(round_high(low), round_high(high)), 0xd8);
}

// 16 elements from memory as bf16.
BANTAM_INLINE __m256i sixteen(const float* p) {
  return to_bf16(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
BANTAM_INLINE __m256i sixteen(const std::uint16_t* p) { return load(p); }

// A packed tile of A has 16 rows of 16 pairs along k; one of B has 16 pairs along k, each a row of
// 16 columns: as matrices of 32-bit pairs one is the transpose of the other. Each row is two
// registers.
using Tile = std::uint32_t[16][16];

template <class T>
BANTAM_INLINE void read_k_contiguous(const T* from, std::int64_t stride, Tile& tile) {
  for (int r = 0; r < 16; ++r) {
    store(tile[r], sixteen(from + r * stride));
    store(tile[r] + 8, sixteen(from + r * stride + 16));
  }
}

// Rows k and k + 1 are interleaved into pairs.
template <class T>
BANTAM_INLINE void read_k_strided(const T* from, std::int64_t stride, Tile& tile) {
  for (int pair = 0; pair < 16; ++pair) {
    const __m256i even = _mm256_permute4x64_epi64(sixteen(from + 2 * pair * stride), 0xd8);
    const __m256i odd = _mm256_permute4x64_epi64(sixteen(from + (2 * pair + 1) * stride), 0xd8);
    store(tile[pair], _mm256_unpacklo_epi16(even, odd));
    store(tile[pair] + 8, _mm256_unpackhi_epi16(even, odd));
  }
}

// Transposes 8 x 8 pairs from tile[row..][column..] into out.
BANTAM_INLINE void transpose8(const Tile& tile, int row, int column, std::uint32_t* out) {
  __m256i pairs[8], fours[8];
  BANTAM_UNROLL
  for (int r = 0; r < 8; r += 2) {
    const __m256i a = load(tile[row + r] + column), b = load(tile[row + r + 1] + column);
    pairs[r] = _mm256_unpacklo_epi32(a, b);
    pairs[r + 1] = _mm256_unpackhi_epi32(a, b);
  }
  BANTAM_UNROLL
  for (int r = 0; r < 8; r += 4) {
    fours[r] = _mm256_unpacklo_epi64(pairs[r], pairs[r + 2]);
    fours[r + 1] = _mm256_unpackhi_epi64(pairs[r], pairs[r + 2]);
    fours[r + 2] = _mm256_unpacklo_epi64(pairs[r + 1], pairs[r + 3]);
    fours[r + 3] = _mm256_unpackhi_epi64(pairs[r + 1], pairs[r + 3]);
  }
  BANTAM_UNROLL
  for (int c = 0; c < 4; ++c) {
    store(out + 16 * c, _mm256_permute2x128_si256(fours[c], fours[c + 4], 0x20));
    store(out + 16 * (c + 4), _mm256_permute2x128_si256(fours[c], fours[c + 4], 0x31));
  }
}

template <class T>
BANTAM_INLINE void pack_tile(const T* from, std::int64_t stride, bool k_contiguous, bool for_b,
                             std::uint16_t* to) {
  alignas(32) Tile tile;
  if (k_contiguous)
    read_k_contiguous(from, stride, tile);
  else
    read_k_strided(from, stride, tile);
  auto* out = reinterpret_cast<std::uint32_t*>(to);
  if (k_contiguous != for_b) {
    std::memcpy(out, tile, sizeof tile);
    return;
  }
  for (int row = 0; row < 16; row += 8)
    for (int column = 0; column < 16; column += 8)
      transpose8(tile, row, column, out + 16 * column + row);
}

// Edges are copied into a full step of zeros first.
template <class T>
void pack_step(const PackStep& p, bool for_b) {
  const std::int64_t stride = p.source.stride;
  const bool k_contiguous = p.source.k_contiguous;
  const T* from = reinterpret_cast<const T*>(p.source.data) +
                  (k_contiguous ? p.i * stride + p.k : p.k * stride + p.i);
  if (p.rows == 32 && p.depth == 32) {
    for (std::int64_t t = 0; t < 2; ++t)
      pack_tile(from + 16 * t * (k_contiguous ? stride : 1), stride, k_contiguous, for_b,
                p.out + t * kTile);
    return;
  }
  alignas(32) T copy[32 * 32] = {};
  const std::int64_t lines = k_contiguous ? p.rows : p.depth;
  const std::int64_t length = k_contiguous ? p.depth : p.rows;
  for (std::int64_t l = 0; l < lines; ++l)
    std::memcpy(copy + 32 * l, from + l * stride, static_cast<std::size_t>(length) * sizeof(T));
  for (std::int64_t t = 0; t < 2; ++t)
    pack_tile(copy + 16 * t * (k_contiguous ? 32 : 1), 32, k_contiguous, for_b, p.out + t * kTile);
}

template <bool for_b>
void pack(const PackStep& p) noexcept {
  if (p.source.type == Type::f32)
    pack_step<float>(p, for_b);
  else
    pack_step<std::uint16_t>(p, for_b);
}

BANTAM_INLINE __m256 canonical(__m256 value) {
  return _mm256_blendv_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
                          _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}

// Eight floats to c, added to what is there if `add`.
BANTAM_INLINE void finish(float* c, __m256 value, bool add) {
  if (add) value = _mm256_add_ps(_mm256_loadu_ps(c), value);
  _mm256_storeu_ps(c, canonical(value));
}
BANTAM_INLINE void finish(std::uint16_t* c, __m256 value, bool add) {
  if (add) {
    const __m128i before = _mm_loadu_si128(reinterpret_cast<const __m128i*>(c));
    value = _mm256_add_ps(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(before), 16)),
                          value);
  }
  value = canonical(value);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(c), _mm256_castsi256_si128(to_bf16(value, value)));
}

template <class T>
void write_rows(const PanelWrite& w, T* c) {
  for (std::int64_t first = 0; first < w.columns; first += 8) {
    const std::int64_t count = w.columns - first < 8 ? w.columns - first : 8;
    float bias[8] = {};
    if (w.bias != nullptr)
      std::memcpy(bias, w.bias + first, static_cast<std::size_t>(count) * sizeof(float));
    for (std::int64_t r = 0; r < w.rows; ++r) {
      __m256 value = _mm256_load_ps(w.sums + r * 32 + first);
      if (w.bias != nullptr) value = _mm256_add_ps(value, _mm256_loadu_ps(bias));
      T* to = c + r * w.c.stride + first;
      if (count == 8) {
        finish(to, value, w.add);
        continue;
      }
      T copy[8] = {};
      const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
      std::memcpy(copy, to, bytes);
      finish(copy, value, w.add);
      std::memcpy(to, copy, bytes);
    }
  }
}

void panel_write(const PanelWrite& w) noexcept {
  if (w.c.type == Type::f32)
    write_rows(w, reinterpret_cast<float*>(w.c.data));
  else
    write_rows(w, reinterpret_cast<std::uint16_t*>(w.c.data));
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx2

void fill_avx2_pack(Kernels& k) {
  k.pack_a = avx2::pack<false>;
  k.pack_b = avx2::pack<true>;
  k.panel_write = avx2::panel_write;
}

}  // namespace bantam::kernels

#endif
