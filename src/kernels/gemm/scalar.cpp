// The products in plain C++: the reference that every instruction set repeats byte for byte, and
// the row of the table for any processor.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/numbers.h"

namespace bantam {

namespace {

constexpr int kLanes = 16;

struct F32 {
  static constexpr std::int64_t kSize = 4;
  static float load(const std::byte* p) {
    float value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
};
template <float (*widen)(std::uint16_t)>
struct Half {
  static constexpr std::int64_t kSize = 2;
  static float load(const std::byte* p) {
    std::uint16_t bits;
    std::memcpy(&bits, p, sizeof bits);
    return widen(bits);
  }
};

template <class W>
float dot_one(const float* x, const std::byte* w, std::int64_t k) {
  float lane[kLanes] = {};
  for (std::int64_t i = 0; i < k; ++i)
    lane[i % kLanes] = std::fma(x[i], W::load(w + i * W::kSize), lane[i % kLanes]);
  return fold(lane);
}

template <class W>
void dot(const DotBlock& d) noexcept {
  for (std::int64_t r = 0; r < d.rows; ++r)
    for (std::int64_t c = 0; c < d.columns; ++c) {
      float value = dot_one<W>(d.x + r * d.x_stride, d.w + c * d.w_stride * W::kSize, d.k);
      if (d.bias != nullptr) value += d.bias[c];
      float& y = d.y[r * d.y_stride + c];
      y = canonical(d.add ? y + value : value);
    }
}

void chain(const ChainBlock& b) noexcept {
  for (std::int64_t i = 0; i < b.rows; ++i)
    for (std::int64_t j = 0; j < b.columns; ++j) {
      float& c = b.c[i * b.c_stride + j];
      float sum = b.resume ? c : 0.0f;
      for (std::int64_t k = 0; k < b.k; ++k)
        sum = std::fma(b.a[i * b.a_row + k * b.a_k], b.b[k * b.b_stride + j], sum);
      c = canonical(sum);
    }
}

// ---- bf16 panels
// ---------------------------------------------------------------------------------

constexpr std::int64_t kTile = 512, kStep = 1024;  // elements

std::uint16_t source_element(const PackSource& s, std::int64_t i, std::int64_t k) {
  const std::int64_t at = s.k_contiguous ? i * s.stride + k : k * s.stride + i;
  if (s.type == Type::f32) return round_to_bf16(F32::load(s.data + 4 * at));
  std::uint16_t bits;
  std::memcpy(&bits, s.data + 2 * at, sizeof bits);
  return bits;
}

// A tile of A has 16 rows of 32 k; one of B 16 pairs along k, each a row of 16 columns.
template <bool for_b>
void pack(const PackStep& p) noexcept {
  for (std::int64_t r = 0; r < 32; ++r)
    for (std::int64_t d = 0; d < 32; ++d) {
      std::uint16_t* tile = p.out + r / 16 * kTile;
      std::uint16_t& to = for_b ? tile[d / 2 * 32 + r % 16 * 2 + d % 2] : tile[r % 16 * 32 + d];
      to =
          r < p.rows && d < p.depth ? source_element(p.source, p.i + r, p.k + d) : std::uint16_t{0};
    }
}

float widen_flushed(std::uint16_t bits) { return flush(bf16_to_float(bits)); }

float step_sum(const std::uint16_t* a, const std::uint16_t* b) {
  float even = 0, odd = 0;
  for (std::int64_t pair = 0; pair < 16; ++pair) {
    even = flushed_fma(widen_flushed(a[2 * pair]), widen_flushed(b[32 * pair]), even);
    odd = flushed_fma(widen_flushed(a[2 * pair + 1]), widen_flushed(b[32 * pair + 1]), odd);
  }
  return flush(even + odd);
}

void panel_block(const PanelBlock& p) noexcept {
  for (std::int64_t i = 0; i < p.rows; ++i)
    for (std::int64_t j = 0; j < 32; ++j) {
      float& sum = p.sums[i * 32 + j];
      if (!p.resume) sum = 0;
      for (std::int64_t s = 0; s < p.steps; ++s)
        sum = flush(flush(sum) + step_sum(p.a + s * kStep + i * 32,
                                          p.b + s * kStep + j / 16 * kTile + j % 16 * 2));
    }
}

void panel_write(const PanelWrite& w) noexcept {
  for (std::int64_t r = 0; r < w.rows; ++r)
    for (std::int64_t j = 0; j < w.columns; ++j) {
      float value = w.sums[r * 32 + j];
      if (w.bias != nullptr) value += w.bias[j];
      const std::int64_t at = r * w.c.stride + j;
      if (w.c.type == Type::f32) {
        float& c = w.c.as<float>()[at];
        c = canonical(w.add ? c + value : value);
      } else {
        std::uint16_t& c = w.c.as<std::uint16_t>()[at];
        c = round_to_bf16(canonical(w.add ? bf16_to_float(c) + value : value));
      }
    }
}

void panel_read(const PanelRead& r) noexcept {
  for (std::int64_t i = 0; i < r.rows; ++i)
    std::memcpy(r.sums + i * 32, r.c.as<float>() + i * r.c.stride,
                static_cast<std::size_t>(r.columns) * sizeof(float));
}

// ---- q8
// ------------------------------------------------------------------------------------------

constexpr std::int64_t kGroup = 32, kTileRows = 16;

// One group: the largest magnitude becomes 127. One that is so small that 127 / largest overflows
// is zeros; one with a NaN or an infinity is zeros with a scale that is NaN.
void quantise_group(const float* x, std::int8_t* q, float& scale, std::int32_t& sum) {
  std::uint32_t largest_bits = 0;
  for (std::int64_t i = 0; i < kGroup; ++i)
    largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu);
  const float largest = std::bit_cast<float>(largest_bits), inverse = 127.0f / largest;
  sum = 0;
  if (largest_bits >= 0x7f800000u || !(inverse <= FLT_MAX)) {
    std::fill_n(q, kGroup, std::int8_t{0});
    scale = largest_bits >= 0x7f800000u ? std::bit_cast<float>(kNan) : 0.0f;
    return;
  }
  for (std::int64_t i = 0; i < kGroup; ++i)
    sum += q[i] = static_cast<std::int8_t>(std::nearbyint(x[i] * inverse));
  scale = largest / 127.0f;
}

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  const std::int64_t groups = a.x.columns() / kGroup;
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t at = (row / kTileRows * groups + g) * kTileRows + row % kTileRows;
      quantise_group(a.x.as<float>() + row * a.x.stride + g * kGroup, a.q + at * kGroup,
                     a.scales[at], a.sums[at]);
    }
}

std::int32_t group_dot(const std::uint8_t* w, const std::int8_t* a) {
  std::int32_t dot = 0;
  for (std::int64_t i = 0; i < kGroup; ++i)
    dot += static_cast<std::int8_t>(w[i / 4 * 64 + i % 4]) * a[i];
  return dot;
}

void strip_q8(const StripBlock& s) noexcept {
  for (std::int64_t r = 0; r < s.rows; ++r)
    for (std::int64_t column = 0; column < 16; ++column) {
      float& c = s.sums[r * s.stride + column];
      float sum = s.resume ? c : 0.0f;
      for (std::int64_t g = 0; g < s.groups; ++g) {
        const std::int64_t at = g * kTileRows + r;
        const std::int32_t dot = group_dot(s.quants + g * 512 + column * 4, s.a + at * kGroup);
        sum = std::fma(static_cast<float>(dot) * half_to_float(s.w_scales[g * 16 + column]),
                       s.a_scales[at], sum);
      }
      c = canonical(sum);
    }
}

void no_tiles() noexcept {}

}  // namespace

void fill_gemm_scalar(Kernels& k) {
  k.dot_f32 = dot<F32>;
  k.dot_f16 = dot<Half<half_to_float>>;
  k.dot_bf16 = dot<Half<bf16_to_float>>;
  k.chain = chain;
  k.pack_a = pack<false>;
  k.pack_b = pack<true>;
  k.panel_block = panel_block;
  k.panel_write = panel_write;
  k.panel_read = panel_read;
  k.quantise_rows = quantise_rows;
  k.strip_q8 = k.strip_q8_tall = strip_q8;
  k.tiles_begin = k.tiles_begin_q8 = k.tiles_end = no_tiles;
}

}  // namespace bantam
