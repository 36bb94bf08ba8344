// The products in plain C++: the reference that every instruction set repeats byte for byte, and
// the row of the table for any processor.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/numbers.h"

namespace bantam::kernels {

using namespace layout;

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

// ---- blocks
// -----------------------------------------------------------------------------------------

// One group: the largest magnitude becomes `most`. One that is so small that most / largest
// overflows is zeros; one with a NaN or an infinity is zeros with a scale that is NaN.
float quantise_group(const float* x, float most, std::int32_t* q) {
  std::uint32_t largest_bits = 0;
  for (std::int64_t i = 0; i < kGroup; ++i)
    largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu);
  const float largest = std::bit_cast<float>(largest_bits), inverse = most / largest;
  if (largest_bits >= 0x7f800000u || !(inverse <= FLT_MAX)) {
    std::fill_n(q, kGroup, 0);
    return largest_bits >= 0x7f800000u ? std::bit_cast<float>(kNan) : 0.0f;
  }
  for (std::int64_t i = 0; i < kGroup; ++i)
    q[i] = static_cast<std::int32_t>(std::nearbyint(x[i] * inverse));
  return largest / most;
}

void quantise_rows(const QuantiseRows& a, std::int64_t begin, std::int64_t end) noexcept {
  const std::int64_t groups = a.x.columns() / kGroup;
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t at = (row / kTileRows * groups + g) * kTileRows + row % kTileRows;
      const bool two = a.q_low != nullptr;
      std::int32_t q[kGroup];
      a.scales[at] = quantise_group(a.x.as<float>() + row * a.x.stride + g * kGroup,
                                    two ? kMostOfTwoPlanes : 127.0f, q);
      a.sums[at] = a.firsts[at] = 0;
      for (std::int64_t i = 0; i < kGroup; ++i) {
        a.sums[at] += q[i];
        if (i < kGroup / 2) a.firsts[at] += q[i];
        const std::int32_t high = two ? (q[i] + 64) >> 7 : q[i];
        a.q[at * kGroup + i] = static_cast<std::int8_t>(high);
        if (two) a.q_low[at * kGroup + i] = static_cast<std::int8_t>(q[i] - 128 * high);
      }
    }
}

// The number of row r, byte i, of a group.
std::int32_t number_at(const BlockLayout& l, const std::uint8_t* w, std::int64_t r,
                       std::int64_t i) {
  const auto four = [&] { return w[r % 4 * kLine + i] >> (r / 4 * 4) & 15; };
  const auto two = [&](std::int64_t first) {
    return w[(first + r / 4) * kLine + i] >> (r % 4 * 2) & 3;
  };
  const auto one = [&](std::int64_t line) { return w[line * kLine + i] >> r & 1; };
  switch (l.codes) {
    case Codes::bits2: return two(0) + l.lowest;
    case Codes::bits3: return (two(0) | one(2) << 2) + l.lowest;
    case Codes::bits4: return four() + l.lowest;
    case Codes::table4: return l.table[four()];
    case Codes::bits5: return (four() | one(4) << 4) + l.lowest;
    case Codes::bits6: return (four() | two(4) << 4) + l.lowest;
    case Codes::byte5:
    case Codes::byte6: return w[r * kLine + i] + l.lowest;
    case Codes::bits8: break;
  }
  return static_cast<std::int8_t>(w[r * kLine + i]);
}

void unpack_codes(const UnpackCodes& u) noexcept {
  const std::int32_t lowest = u.as_codes ? u.layout.lowest : 0;
  for (std::int64_t g = 0; g < u.groups; ++g)
    for (std::int64_t r = 0; r < 8; ++r)
      for (std::int64_t i = 0; i < kLine; ++i)
        u.out[g * kGroupBytes + r * kLine + i] = static_cast<std::uint8_t>(
            number_at(u.layout, u.codes + g * u.layout.code_bytes, r, i) - lowest);
}

// The scales of one group and output.
struct GroupScales {
  float d, dmin;
  std::int32_t sub[2], m[2];

  GroupScales(const StripWeights& w, std::int64_t g, std::int64_t column) {
    const BlockLayout& l = w.layout;
    const std::byte* record = w.scales + (g >> l.scale_shift) * l.scale_bytes();
    const auto scale = [&](std::int64_t number) {
      const std::int64_t at = number * kStrip + column;
      if (l.wide) return F32::load(record + 4 * at);
      return Half<half_to_float>::load(record + 2 * at) * l.unit;
    };
    d = scale(0);
    dmin = l.minimum ? scale(1) : 0.0f;
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t part = l.parts == 2 ? half : 0;
      const std::int8_t* subs = w.subs + g * l.sub_bytes() + column;
      sub[half] = l.parts > 0 ? subs[part * kStrip] : 1;
      m[half] = l.parts > 0 && l.minimum ? subs[(l.parts + part) * kStrip] : 1;
    }
  }
};

// One output of one row, continued by a group.
float add_group(const StripBlock& s, std::int64_t g, std::int64_t r, std::int64_t column,
                float sum) {
  const BlockLayout& l = s.w.layout;
  const std::int64_t at = g * kTileRows + r;
  const std::uint8_t* codes = s.w.codes + g * l.code_bytes;
  std::int32_t dot[2] = {};
  for (std::int64_t i = 0; i < kGroup; ++i) {
    std::int32_t a = s.a[at * kGroup + i];
    if (s.a_low != nullptr) a = 128 * a + s.a_low[at * kGroup + i];
    dot[i / 16] += number_at(l, codes, i / 4, column * 4 + i % 4) * a;
  }
  const GroupScales w(s.w, g, column);
  const float d_a = s.a_scales[at];
  const std::int32_t sums[2] = {s.a_firsts[at], s.a_sums[at] - s.a_firsts[at]};
  if (l.parts == 2) {
    sum = std::fma(static_cast<float>(dot[0] * w.sub[0] + dot[1] * w.sub[1]) * w.d, d_a, sum);
    if (l.minimum)
      for (int half = 0; half < 2; ++half)
        sum = std::fma(-(w.dmin * static_cast<float>(w.m[half])),
                       d_a * static_cast<float>(sums[half]), sum);
    return sum;
  }
  const float d = l.parts > 0 ? w.d * static_cast<float>(w.sub[0]) : w.d;
  sum = std::fma(static_cast<float>(dot[0] + dot[1]) * d, d_a, sum);
  if (!l.minimum) return sum;
  const float m = l.parts > 0 ? w.dmin * static_cast<float>(w.m[0]) : w.dmin;
  return std::fma(-m, d_a * static_cast<float>(s.a_sums[at]), sum);
}

void one_strip(const StripBlock& s) {
  for (std::int64_t r = 0; r < s.rows; ++r)
    for (std::int64_t column = 0; column < kStrip; ++column) {
      float& c = s.sums[r * s.stride + column];
      float sum = s.resume ? c : 0.0f;
      for (std::int64_t g = 0; g < s.groups; ++g) sum = add_group(s, g, r, column, sum);
      c = canonical(sum);
    }
}
void strip(const StripBlock& s) noexcept {
  const BlockLayout& l = s.w.layout;
  StripBlock one = s;
  for (std::int64_t strip = 0; strip < s.strips; ++strip) {
    one_strip(one);
    one.w.codes += s.groups * l.code_bytes;
    one.w.scales += (s.groups >> l.scale_shift) * l.scale_bytes();
    if (l.parts > 0) one.w.subs += s.groups * l.sub_bytes();
    one.sums += kTileRows * s.stride;
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
  k.unpack_codes = unpack_codes;
  k.strip = k.strip_tall = strip;
  k.tiles_begin = k.tiles_begin_q8 = k.tiles_end = no_tiles;
}

}  // namespace bantam::kernels
