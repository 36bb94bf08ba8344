// AVX-512: dot products of rows, 16 lanes in a register.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512 {
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

// 16 weights as f32; those without a bit in the mask are not read.
struct F32 {
  static constexpr std::int64_t kSize = 4;
  static BANTAM_INLINE __m512 load(const std::byte* p) {
    return _mm512_loadu_ps(reinterpret_cast<const float*>(p));
  }
  static BANTAM_INLINE __m512 load(const std::byte* p, __mmask16 mask) {
    return _mm512_maskz_loadu_ps(mask, reinterpret_cast<const float*>(p));
  }
};
struct F16 {
  static constexpr std::int64_t kSize = 2;
  static BANTAM_INLINE __m512 load(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static BANTAM_INLINE __m512 load(const std::byte* p, __mmask16 mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
  }
};
struct Bf16 {
  static constexpr std::int64_t kSize = 2;
  static BANTAM_INLINE __m512 widen(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static BANTAM_INLINE __m512 load(const std::byte* p) {
    return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static BANTAM_INLINE __m512 load(const std::byte* p, __mmask16 mask) {
    return widen(_mm256_maskz_loadu_epi16(mask, p));
  }
};

// The folds of four registers: each level of the tree adds halves of two registers, put together.
BANTAM_INLINE __m128 fold4(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab =
      _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  const __m512 cd =
      _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
  const __m512 r2 =
      _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  const __m512 r3 = _mm512_add_ps(r2, _mm512_permute_ps(r2, 0x4e));
  const __m512 r = _mm512_add_ps(r3, _mm512_permute_ps(r3, 0xb1));
  const __m512i first = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
  return _mm512_castps512_ps128(_mm512_permutexvar_ps(first, r));
}

BANTAM_INLINE __m128 canonical(__m128 value) {
  const __mmask8 nan = _mm_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  return _mm_castsi128_ps(
      _mm_mask_mov_epi32(_mm_castps_si128(value), nan, _mm_set1_epi32(0x7fc00000)));
}

// Part of k, and where the sums of 16 lanes wait between parts: those of a tile of four columns lie
// together.
constexpr std::int64_t kBlockRows = 24, kBlockColumns = 64;
struct Part {
  std::int64_t begin, end;
  std::int64_t first_row, first_column;
  float* partial;
};

template <int rows, int columns>
BANTAM_INLINE void write_tile(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left,
                              const __m512 (&sum)[rows][columns]) {
  BANTAM_UNROLL
  for (int j = 0; j < columns; j += 4) {
    const std::int64_t count = left - j;
    if (count <= 0) break;
    const auto mask = static_cast<__mmask8>(count >= 4 ? 15 : (1 << count) - 1);
    BANTAM_UNROLL
    for (int i = 0; i < rows; ++i) {
      float* y = d.y + (r + i) * d.y_stride + c + j;
      __m128 value = fold4(sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]);
      if (d.bias != nullptr) value = _mm_add_ps(value, _mm_maskz_loadu_ps(mask, d.bias + c + j));
      if (d.add) value = _mm_add_ps(_mm_maskz_loadu_ps(mask, y), value);
      _mm_mask_storeu_ps(y, mask, canonical(value));
    }
  }
}

// `rows` by `columns` of y from (r, c) on, over a part of k; of the columns only `left` exist (the
// others repeat the last, and are not written). `ahead`: few rows wait for memory, so the rows of w
// that come next are fetched into L2 (the processor's own prefetching stops at pages).
template <class W, int rows, int columns, bool ahead>
void tile(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left, const Part& part) {
  __m512 sum[rows][columns];
  const std::byte* w[columns];
  const std::int64_t waiting =
      ((c - part.first_column) / 4 * kBlockRows + r - part.first_row) * 4 * 16;
  BANTAM_UNROLL
  for (int j = 0; j < columns; ++j) {
    w[j] = d.w + (c + (j < left ? j : left - 1)) * d.w_stride * W::kSize;
    BANTAM_UNROLL
    for (int i = 0; i < rows; ++i)
      sum[i][j] = part.begin == 0 ? _mm512_setzero_ps()
                                  : _mm512_load_ps(part.partial + waiting + (i * 4 + j) * 16);
  }
  const float* x = d.x + r * d.x_stride;
  std::int64_t k = part.begin;
  if constexpr (ahead && rows <= 4) {  // a few lines of each row of w: memory likes them together
    constexpr std::int64_t kBurst = 16 * 8;
    for (; k + kBurst <= part.end; k += kBurst) {
      BANTAM_UNROLL
      for (int j = 0; j < columns; ++j) {
        const std::byte* from = w[j] + k * W::kSize;
        BANTAM_UNROLL
        for (std::int64_t s = 0; s < kBurst; s += 16) {
          if (s * W::kSize % 64 == 0)
            _mm_prefetch(reinterpret_cast<const char*>(from + s * W::kSize +
                                                       columns * d.w_stride * W::kSize),
                         _MM_HINT_T1);
          const __m512 b = W::load(from + s * W::kSize);
          BANTAM_UNROLL
          for (int i = 0; i < rows; ++i)
            sum[i][j] = _mm512_fmadd_ps(_mm512_loadu_ps(x + i * d.x_stride + k + s), b, sum[i][j]);
        }
      }
    }
  }
  for (; k + 16 <= part.end; k += 16) {
    __m512 a[rows];
    BANTAM_UNROLL
    for (int i = 0; i < rows; ++i) a[i] = _mm512_loadu_ps(x + i * d.x_stride + k);
    BANTAM_UNROLL
    for (int j = 0; j < columns; ++j) {
      const std::byte* from = w[j] + k * W::kSize;
      if constexpr (ahead)
        _mm_prefetch(reinterpret_cast<const char*>(from + columns * d.w_stride * W::kSize),
                     _MM_HINT_T1);
      const __m512 b = W::load(from);
      BANTAM_UNROLL
      for (int i = 0; i < rows; ++i) sum[i][j] = _mm512_fmadd_ps(a[i], b, sum[i][j]);
    }
  }
  if (k < part.end) {
    const auto mask = static_cast<__mmask16>((1 << (part.end - k)) - 1);
    BANTAM_UNROLL
    for (int j = 0; j < columns; ++j) {
      const __m512 b = W::load(w[j] + k * W::kSize, mask);
      BANTAM_UNROLL
      for (int i = 0; i < rows; ++i)
        sum[i][j] = _mm512_mask3_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + i * d.x_stride + k), b,
                                          sum[i][j], mask);
    }
  }
  if (part.end == d.k) {
    write_tile(d, r, c, left, sum);
    return;
  }
  BANTAM_UNROLL
  for (int i = 0; i < rows; ++i) {
    BANTAM_UNROLL
    for (int j = 0; j < columns; ++j)
      _mm512_store_ps(part.partial + waiting + (i * 4 + j) * 16, sum[i][j]);
  }
}

// All columns for `rows` rows: few, so that a row of w is read once, from memory.
template <class W, int rows, int columns>
void few_rows(const DotBlock& d) {
  const Part all{0, d.k, 0, 0, nullptr};
  for (std::int64_t c = 0; c < d.columns; c += columns)
    tile<W, rows, columns, true>(d, 0, c, d.columns - c, all);
}

// Rows [r, end_row) of x pass over four rows of w, which stay in L1, six at a time.
template <class W>
void pass_rows(const DotBlock& d, std::int64_t r, std::int64_t c, std::int64_t left,
               const Part& part, std::int64_t end_row) {
  for (; r + 6 <= end_row; r += 6) tile<W, 6, 4, false>(d, r, c, left, part);
  switch (end_row - r) {
    case 5:
      tile<W, 5, 4, false>(d, r, c, left, part);
      break;
    case 4:
      tile<W, 4, 4, false>(d, r, c, left, part);
      break;
    case 3:
      tile<W, 3, 4, false>(d, r, c, left, part);
      break;
    case 2:
      tile<W, 2, 4, false>(d, r, c, left, part);
      break;
    case 1:
      tile<W, 1, 4, false>(d, r, c, left, part);
      break;
    default:
      break;
  }
}

// The longest rows of w of which L1 holds four, as float32, beside rows of x that pass.
constexpr std::int64_t kLong = 1536;

// Columns [c, c + left) of w, at most four, over a part of k no longer than kLong, as float32: widening
// a number of two bytes takes the place of a multiply-add, so that for many rows it is done once. What
// has been widened is at [c, part.begin] of the block that is returned.
template <class W>
DotBlock widened(const DotBlock& d, std::int64_t c, std::int64_t left, const Part& part, float* wide) {
  for (std::int64_t j = 0; j < 4 && j < left; ++j) {
    const std::byte* from = d.w + (c + j) * d.w_stride * W::kSize;
    float* to = wide + j * kLong - part.begin;
    std::int64_t k = part.begin;
    for (; k + 16 <= part.end; k += 16) _mm512_store_ps(to + k, W::load(from + k * W::kSize));
    if (k < part.end) {
      const auto mask = static_cast<__mmask16>((1 << (part.end - k)) - 1);
      _mm512_store_ps(to + k, W::load(from + k * W::kSize, mask));
    }
  }
  DotBlock out = d;
  out.w = reinterpret_cast<const std::byte*>(wide - part.begin - c * kLong);
  out.w_stride = kLong;
  return out;
}

template <class W>
void block(const DotBlock& d, const Part& part, std::int64_t end_row, std::int64_t end_column) {
  constexpr std::int64_t kFewRows = 24;
  alignas(64) float wide[W::kSize == 4 ? 1 : 4 * kLong];
  for (std::int64_t c = part.first_column; c < end_column; c += 4) {
    const std::int64_t left = d.columns - c;
    std::int64_t r = part.first_row;
    if (d.rows <= kFewRows && r + 6 <= end_row) {
      tile<W, 6, 4, true>(d, r, c, left, part);
      r += 6;
    }
    if (W::kSize == 4 || part.end - part.begin > kLong || end_row - r < 12)
      pass_rows<W>(d, r, c, left, part, end_row);
    else
      pass_rows<F32>(widened<W>(d, c, left, part, wide), r, c, left, part, end_row);
  }
}

// Longer rows than L1 holds ten of are taken in parts: without, x and w come from L2 at every step.
// The part of x is copied: rows that are a power of two apart share a few sets of L1.
template <class W>
void long_rows(const DotBlock& d) {
  constexpr std::int64_t kPart = 512;
  alignas(64) float partial[kBlockRows * kBlockColumns * 16];
  alignas(64) float x[kBlockRows * kPart];
  for (std::int64_t c = 0; c < d.columns; c += kBlockColumns)
    for (std::int64_t r = 0; r < d.rows; r += kBlockRows)
      for (std::int64_t k = 0; k < d.k; k += kPart) {
        const std::int64_t end_k = k + kPart < d.k ? k + kPart : d.k;
        const std::int64_t end_row = r + kBlockRows < d.rows ? r + kBlockRows : d.rows;
        for (std::int64_t i = r; i < end_row; ++i)
          std::memcpy(x + (i - r) * kPart, d.x + i * d.x_stride + k,
                      static_cast<std::size_t>(end_k - k) * sizeof(float));
        DotBlock copied = d;
        copied.x = x - r * kPart - k;
        copied.x_stride = kPart;
        block<W>(copied, {k, end_k, r, c, partial}, end_row,
                 c + kBlockColumns < d.columns ? c + kBlockColumns : d.columns);
      }
}

template <class W>
void dot(const DotBlock& d) noexcept {
  constexpr std::int64_t kFew = 12;
  switch (d.rows) {
    case 1:
      few_rows<W, 1, 4>(d);
      break;
    case 2:
      few_rows<W, 2, 4>(d);
      break;
    case 3:
      few_rows<W, 3, 4>(d);
      break;
    case 4:
      few_rows<W, 4, 4>(d);
      break;
    case 5:
      few_rows<W, 5, 4>(d);
      break;
    case 6:
      few_rows<W, 6, 4>(d);
      break;
    default:
      if (d.k > kLong && d.rows > kFew)
        long_rows<W>(d);
      else
        block<W>(d, {0, d.k, 0, 0, nullptr}, d.rows, d.columns);
  }
}

}  // namespace
BANTAM_TARGET_END
}  // namespace avx512

void fill_avx512_dot(Kernels& k) {
  k.dot_f32 = avx512::dot<avx512::F32>;
  k.dot_f16 = avx512::dot<avx512::F16>;
  k.dot_bf16 = avx512::dot<avx512::Bf16>;
}

}  // namespace bantam::kernels

#endif
