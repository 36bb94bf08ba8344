// AVX-512: packing factors into bf16 panels, and blocks of sums from and to memory.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512 {
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

// A packed tile of A has 16 rows of 16 pairs along k; one of B has 16 pairs along k, each a row of
// 16 columns. As matrices of 32-bit pairs one is the transpose of the other, so one reader for each
// order in memory and one transpose serve all four cases.
using Tile = __m512i[16];
constexpr std::int64_t kTile = 512;

BANTAM_INLINE __mmask16 first16(std::int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}
BANTAM_INLINE __mmask32 first32(std::int64_t count) {
  return count >= 32 ? 0xffffffffu : (1u << count) - 1;
}

// Rounding to nearest even, subnormals to zero, NaN made quiet: VCVTNE2PS2BF16 without it.
BANTAM_INLINE __m512i round_high(__m512 value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
  constexpr int kQuietOrSignalling = 0x81, kSubnormal = 0x20;
  const __mmask16 nan = _mm512_fpclass_ps_mask(value, kQuietOrSignalling);
  const __mmask16 tiny = _mm512_fpclass_ps_mask(value, kSubnormal);
  rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
  rounded = _mm512_mask_and_epi32(rounded, tiny, bits, _mm512_set1_epi32(INT32_MIN));
  return _mm512_srli_epi32(rounded, 16);
}

// The instruction by name, because it may be used where only half of this file's users have it.
template <bool instruction>
BANTAM_INLINE __m512i to_bf16(__m512 low, __m512 high) {
  if constexpr (instruction) {
    __m512i both;
    asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(low), "v"(high));
    return both;
  }
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(round_high(low))),
                            _mm512_cvtepi32_epi16(round_high(high)), 1);
}

struct Source {
  const float* f32;
  const std::uint16_t* bf16;
  std::int64_t stride;
};

// Rows i..i+15 with 32 contiguous k each; `full` when all of them exist.
template <bool instruction, bool full>
BANTAM_INLINE void read_k_contiguous(const Source& s, std::int64_t i, std::int64_t rows,
                                     std::int64_t k, std::int64_t depth, Tile& tile) {
  const __mmask16 low = first16(depth), high = first16(depth - 16);
  const __mmask32 both = first32(depth);
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r) {
    const std::int64_t at = (i + r) * s.stride + k;
    if (!full && r >= rows)
      tile[r] = _mm512_setzero_si512();
    else if (s.bf16 != nullptr)
      tile[r] =
          full ? _mm512_loadu_si512(s.bf16 + at) : _mm512_maskz_loadu_epi16(both, s.bf16 + at);
    else if (full)
      tile[r] = to_bf16<instruction>(_mm512_loadu_ps(s.f32 + at), _mm512_loadu_ps(s.f32 + at + 16));
    else
      tile[r] = to_bf16<instruction>(_mm512_maskz_loadu_ps(low, s.f32 + at),
                                     _mm512_maskz_loadu_ps(high, s.f32 + at + 16));
  }
}

// 32 rows k with 16 contiguous i each: rows k and k + 1 are interleaved into pairs.
template <bool instruction, bool full>
BANTAM_INLINE void read_k_strided(const Source& s, std::int64_t i, std::int64_t rows,
                                  std::int64_t k, std::int64_t depth, Tile& tile) {
  const __m512i interleave =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  BANTAM_UNROLL
  for (int pair = 0; pair < 16; ++pair) {
    const std::int64_t at = (k + 2 * pair) * s.stride + i;
    const __mmask16 even = full || 2 * pair < depth ? first16(rows) : __mmask16{0};
    const __mmask16 odd = full || 2 * pair + 1 < depth ? first16(rows) : __mmask16{0};
    __m512i both;
    if (s.bf16 != nullptr && full)
      both = _mm512_inserti64x4(
          _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(s.bf16 + at))),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(s.bf16 + at + s.stride)), 1);
    else if (s.bf16 != nullptr)
      both = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi16(even, s.bf16 + at)),
                                _mm256_maskz_loadu_epi16(odd, s.bf16 + at + s.stride), 1);
    else if (full)
      both =
          to_bf16<instruction>(_mm512_loadu_ps(s.f32 + at), _mm512_loadu_ps(s.f32 + at + s.stride));
    else
      both = to_bf16<instruction>(_mm512_maskz_loadu_ps(even, s.f32 + at),
                                  _mm512_maskz_loadu_ps(odd, s.f32 + at + s.stride));
    tile[pair] = _mm512_permutexvar_epi16(interleave, both);
  }
}

// Writes the transpose of 16 x 16 pairs: 4 x 4 within 128-bit lanes, then the lanes.
BANTAM_INLINE void store_transposed(const Tile& tile, std::uint16_t* out) {
  __m512i lanes[16];
  BANTAM_UNROLL
  for (int r = 0; r < 16; r += 4) {
    const __m512i low0 = _mm512_unpacklo_epi32(tile[r], tile[r + 1]);
    const __m512i high0 = _mm512_unpackhi_epi32(tile[r], tile[r + 1]);
    const __m512i low1 = _mm512_unpacklo_epi32(tile[r + 2], tile[r + 3]);
    const __m512i high1 = _mm512_unpackhi_epi32(tile[r + 2], tile[r + 3]);
    lanes[r] = _mm512_unpacklo_epi64(low0, low1);
    lanes[r + 1] = _mm512_unpackhi_epi64(low0, low1);
    lanes[r + 2] = _mm512_unpacklo_epi64(high0, high1);
    lanes[r + 3] = _mm512_unpackhi_epi64(high0, high1);
  }
  constexpr int kEven = 0x88, kOdd = 0xdd;
  BANTAM_UNROLL
  for (int c = 0; c < 4; ++c) {
    const __m512i even0 = _mm512_shuffle_i32x4(lanes[c], lanes[c + 4], kEven);
    const __m512i odd0 = _mm512_shuffle_i32x4(lanes[c], lanes[c + 4], kOdd);
    const __m512i even1 = _mm512_shuffle_i32x4(lanes[c + 8], lanes[c + 12], kEven);
    const __m512i odd1 = _mm512_shuffle_i32x4(lanes[c + 8], lanes[c + 12], kOdd);
    _mm512_store_si512(out + 32 * c, _mm512_shuffle_i32x4(even0, even1, kEven));
    _mm512_store_si512(out + 32 * (c + 4), _mm512_shuffle_i32x4(odd0, odd1, kEven));
    _mm512_store_si512(out + 32 * (c + 8), _mm512_shuffle_i32x4(even0, even1, kOdd));
    _mm512_store_si512(out + 32 * (c + 12), _mm512_shuffle_i32x4(odd0, odd1, kOdd));
  }
}

template <bool instruction, bool full>
BANTAM_INLINE void pack_tile(const PackStep& p, const Source& s, bool for_b, std::int64_t first,
                             std::uint16_t* out) {
  Tile tile;
  if (p.source.k_contiguous)
    read_k_contiguous<instruction, full>(s, p.i + first, p.rows - first, p.k, p.depth, tile);
  else
    read_k_strided<instruction, full>(s, p.i + first, p.rows - first, p.k, p.depth, tile);
  if (p.source.k_contiguous == for_b) {
    store_transposed(tile, out);
    return;
  }
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r) _mm512_store_si512(out + 32 * r, tile[r]);
}

template <bool instruction, bool for_b>
void pack(const PackStep& p) noexcept {
  const bool f32 = p.source.type == Type::f32;
  const Source s{f32 ? reinterpret_cast<const float*>(p.source.data) : nullptr,
                 f32 ? nullptr : reinterpret_cast<const std::uint16_t*>(p.source.data),
                 p.source.stride};
  for (std::int64_t tile = 0; tile < 2; ++tile) {
    if (p.rows == 32 && p.depth == 32)
      pack_tile<instruction, true>(p, s, for_b, 16 * tile, p.out + tile * kTile);
    else
      pack_tile<instruction, false>(p, s, for_b, 16 * tile, p.out + tile * kTile);
  }
}

BANTAM_INLINE __m512 canonical(__m512 value) {
  const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  return _mm512_castsi512_ps(
      _mm512_mask_mov_epi32(_mm512_castps_si512(value), nan, _mm512_set1_epi32(0x7fc00000)));
}

BANTAM_INLINE __m512 widen(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

template <bool instruction>
void panel_write(const PanelWrite& w) noexcept {
  const bool f32 = w.c.type == Type::f32;
  for (std::int64_t first = 0; first < w.columns; first += 16) {
    const __mmask16 mask = first16(w.columns - first);
    const __m512 bias =
        w.bias != nullptr ? _mm512_maskz_loadu_ps(mask, w.bias + first) : _mm512_setzero_ps();
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const std::int64_t at = r * w.c.stride + first;
      __m512 value = _mm512_load_ps(w.sums + r * 32 + first);
      if (w.bias != nullptr) value = _mm512_add_ps(value, bias);
      if (f32) {
        float* c = reinterpret_cast<float*>(w.c.data) + at;
        if (w.add) value = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, c), value);
        _mm512_mask_storeu_ps(c, mask, canonical(value));
      } else {
        auto* c = reinterpret_cast<std::uint16_t*>(w.c.data) + at;
        if (w.add) value = _mm512_add_ps(widen(_mm256_maskz_loadu_epi16(mask, c)), value);
        value = canonical(value);
        _mm256_mask_storeu_epi16(c, mask,
                                 _mm512_castsi512_si256(to_bf16<instruction>(value, value)));
      }
    }
  }
}

void panel_read(const PanelRead& r) noexcept {
  const float* c = reinterpret_cast<const float*>(r.c.data);
  for (std::int64_t first = 0; first < r.columns; first += 16) {
    const __mmask16 mask = first16(r.columns - first);
    for (std::int64_t i = 0; i < r.rows; ++i)
      _mm512_store_ps(r.sums + i * 32 + first,
                      _mm512_maskz_loadu_ps(mask, c + i * r.c.stride + first));
  }
}

}  // namespace
BANTAM_TARGET_END

namespace {

template <bool instruction>
void fill(Kernels& k) {
  k.pack_a = pack<instruction, false>;
  k.pack_b = pack<instruction, true>;
  k.panel_write = panel_write<instruction>;
  k.panel_read = panel_read;
}

}  // namespace
}  // namespace avx512

void fill_avx512_pack(Kernels& k, bool bf16) {
  if (bf16)
    avx512::fill<true>(k);
  else
    avx512::fill<false>(k);
}

}  // namespace bantam::kernels

#endif
