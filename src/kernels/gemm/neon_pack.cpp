// NEON: packing factors into bf16 panels, and blocks of sums to memory.
#if defined(__aarch64__)

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

constexpr std::int64_t kTile = 512;

// Rounding to nearest even, subnormals to zero, NaN made quiet.
BANTAM_INLINE uint16x4_t to_bf16(float32x4_t value) {
  const uint32x4_t bits = vreinterpretq_u32_f32(value);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  const uint32x4_t number = vceqq_f32(value, value);
  const uint32x4_t normal = vtstq_u32(bits, vdupq_n_u32(0x7f800000));
  const uint32x4_t sign = vandq_u32(bits, vdupq_n_u32(0x80000000));
  return vshrn_n_u32(vbslq_u32(normal, vbslq_u32(number, rounded, quiet), sign), 16);
}

// Eight elements from memory as bf16.
BANTAM_INLINE uint16x8_t eight(const float* p) {
  return vcombine_u16(to_bf16(vld1q_f32(p)), to_bf16(vld1q_f32(p + 4)));
}
BANTAM_INLINE uint16x8_t eight(const std::uint16_t* p) { return vld1q_u16(p); }

// A packed tile of A has 16 rows of 16 pairs along k; one of B has 16 pairs along k, each a row of
// 16 columns: as matrices of 32-bit pairs one is the transpose of the other.

template <class T>
BANTAM_INLINE void read_k_contiguous(const T* from, std::int64_t stride, std::uint16_t* tile) {
  for (int r = 0; r < 16; ++r)
    for (int i = 0; i < 32; i += 8) vst1q_u16(tile + 32 * r + i, eight(from + r * stride + i));
}

// Rows k and k + 1 are interleaved into pairs.
template <class T>
BANTAM_INLINE void read_k_strided(const T* from, std::int64_t stride, std::uint16_t* tile) {
  for (int pair = 0; pair < 16; ++pair)
    for (int i = 0; i < 16; i += 8) {
      const uint16x8_t even = eight(from + 2 * pair * stride + i);
      const uint16x8_t odd = eight(from + (2 * pair + 1) * stride + i);
      vst1q_u16(tile + 32 * pair + 2 * i, vzip1q_u16(even, odd));
      vst1q_u16(tile + 32 * pair + 2 * i + 8, vzip2q_u16(even, odd));
    }
}

BANTAM_INLINE uint32x4_t four_pairs(const std::uint16_t* p) {
  return vreinterpretq_u32_u16(vld1q_u16(p));
}
BANTAM_INLINE void store_low(std::uint16_t* p, uint32x4_t a, uint32x4_t b) {
  vst1q_u16(p,
            vreinterpretq_u16_u64(vtrn1q_u64(vreinterpretq_u64_u32(a), vreinterpretq_u64_u32(b))));
}
BANTAM_INLINE void store_high(std::uint16_t* p, uint32x4_t a, uint32x4_t b) {
  vst1q_u16(p,
            vreinterpretq_u16_u64(vtrn2q_u64(vreinterpretq_u64_u32(a), vreinterpretq_u64_u32(b))));
}

// Transposes 4 x 4 pairs.
BANTAM_INLINE void transpose4(const std::uint16_t* from, std::uint16_t* to) {
  const uint32x4_t a = four_pairs(from), b = four_pairs(from + 32);
  const uint32x4_t c = four_pairs(from + 64), d = four_pairs(from + 96);
  store_low(to, vtrn1q_u32(a, b), vtrn1q_u32(c, d));
  store_low(to + 32, vtrn2q_u32(a, b), vtrn2q_u32(c, d));
  store_high(to + 64, vtrn1q_u32(a, b), vtrn1q_u32(c, d));
  store_high(to + 96, vtrn2q_u32(a, b), vtrn2q_u32(c, d));
}

template <class T>
BANTAM_INLINE void read_tile(const T* from, std::int64_t stride, bool k_contiguous,
                             std::uint16_t* tile) {
  if (k_contiguous)
    read_k_contiguous(from, stride, tile);
  else
    read_k_strided(from, stride, tile);
}

template <class T>
BANTAM_INLINE void pack_tile(const T* from, std::int64_t stride, bool k_contiguous, bool for_b,
                             std::uint16_t* to) {
  if (k_contiguous != for_b) {
    read_tile(from, stride, k_contiguous, to);
    return;
  }
  std::uint16_t tile[kTile];
  read_tile(from, stride, k_contiguous, tile);
  for (int row = 0; row < 16; row += 4)
    for (int column = 0; column < 16; column += 4)
      transpose4(tile + 32 * row + 2 * column, to + 32 * column + 2 * row);
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
  T copy[32 * 32] = {};
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

BANTAM_INLINE void finish(float* c, float32x4_t value, bool add) {
  if (add) value = vaddq_f32(vld1q_f32(c), value);
  vst1q_f32(c, canonical(value));
}
BANTAM_INLINE void finish(std::uint16_t* c, float32x4_t value, bool add) {
  if (add) value = vaddq_f32(widen_bf16(vld1_u16(c)), value);
  vst1_u16(c, to_bf16(canonical(value)));
}

template <class T>
void write_rows(const PanelWrite& w, T* c) {
  for (std::int64_t first = 0; first < w.columns; first += 4) {
    const std::int64_t count = w.columns - first < 4 ? w.columns - first : 4;
    float bias[4] = {};
    if (w.bias != nullptr)
      std::memcpy(bias, w.bias + first, static_cast<std::size_t>(count) * sizeof(float));
    for (std::int64_t r = 0; r < w.rows; ++r) {
      float32x4_t value = vld1q_f32(w.sums + r * 32 + first);
      if (w.bias != nullptr) value = vaddq_f32(value, vld1q_f32(bias));
      T* to = c + r * w.c.stride + first;
      if (count == 4) {
        finish(to, value, w.add);
        continue;
      }
      T copy[4] = {};
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
}  // namespace neon

void fill_neon_pack(Kernels& k) {
  k.pack_a = neon::pack<false>;
  k.pack_b = neon::pack<true>;
  k.panel_write = neon::panel_write;
}

}  // namespace bantam::kernels

#endif
