// AMX: blocks of bf16 panels, and strips of 8-bit codes with many rows, on tiles.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "base/random.h"
#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"
#include "kernels/gemm/tiles.h"

namespace bantam::kernels {
namespace amx {
using namespace layout;
namespace {

constexpr std::int64_t kTile = 512, kStep = 1024;  // elements

constexpr TileConfig kFullTiles = TileConfig::all_full();

// Four sums, two tiles of activations, two of weights.
constexpr TileConfig kGroupTiles = [] {
  TileConfig config;
  for (int sum = 0; sum < 4; ++sum) config.set(sum, 16, 64);
  for (int a = 4; a < 6; ++a) config.set(a, 16, 32);  // 16 rows of one group
  for (int w = 6; w < 8; ++w) config.set(w, 8, 64);   // eight fours of k by 16 columns
  return config;
}();
// The same for half a group.
constexpr TileConfig kHalfTiles = [] {
  TileConfig config = kGroupTiles;
  for (int a = 4; a < 6; ++a) config.set(a, 16, 16);
  for (int w = 6; w < 8; ++w) config.set(w, 4, 64);
  return config;
}();

void begin_panels() noexcept { tiles_configure(kFullTiles); }
void begin_q8() noexcept { tiles_configure(kGroupTiles); }
void end() noexcept { tiles_release(); }

// Each step of a and of b is two tiles, 1 KiB each and contiguous. Four sums share two tiles of
// each factor: four loads for four products, half of what the load ports could bring from L1.
// `tall`: more than 16 rows.
template <bool tall>
void block(const PanelBlock& p) {
  constexpr std::ptrdiff_t kRow = 32 * sizeof(float);
  const std::uint16_t* a = p.a;
  const std::uint16_t* b = p.b;
  if (p.resume) {
    tile_load<0>(p.sums, kRow);
    tile_load<1>(p.sums + 16, kRow);
    if constexpr (tall) {
      tile_load<2>(p.sums + 16 * 32, kRow);
      tile_load<3>(p.sums + 16 * 32 + 16, kRow);
    }
  } else {
    tile_zero<0>();
    tile_zero<1>();
    if constexpr (tall) {
      tile_zero<2>();
      tile_zero<3>();
    }
  }
  for (std::int64_t s = 0; s < p.steps; ++s, a += kStep, b += kStep) {
    tile_load<6>(b, 64);
    tile_load<4>(a, 64);
    tile_dot_bf16<0, 4, 6>();
    tile_load<7>(b + kTile, 64);
    tile_dot_bf16<1, 4, 7>();
    if constexpr (tall) {
      tile_load<5>(a + kTile, 64);
      tile_dot_bf16<2, 5, 6>();
      tile_dot_bf16<3, 5, 7>();
    }
  }
  tile_store<0>(p.sums, kRow);
  tile_store<1>(p.sums + 16, kRow);
  if constexpr (tall) {
    tile_store<2>(p.sums + 16 * 32, kRow);
    tile_store<3>(p.sums + 16 * 32 + 16, kRow);
  }
}

void panel_block(const PanelBlock& p) noexcept {
  if (p.rows > 16)
    block<true>(p);
  else
    block<false>(p);
}

}  // namespace

BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

constexpr std::int64_t kBatch = 4;  // groups
using Dots = std::int32_t[16][16];

#include "kernels/gemm/scales-inl.h"

struct Lanes {
  typedef std::int32_t I __attribute__((vector_size(64)));
  typedef float F __attribute__((vector_size(64)));
  static BANTAM_INLINE F half(const std::uint16_t* p) {
    return (F)_mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static BANTAM_INLINE I bytes(const std::int8_t* p) {
    return (I)_mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(p)));
  }
};
BANTAM_INLINE Lanes::F all(float x) { return (Lanes::F)_mm512_set1_ps(x); }
BANTAM_INLINE Lanes::F fma(Lanes::F a, Lanes::F b, Lanes::F c) {
  return (Lanes::F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
BANTAM_INLINE Lanes::F canonical(Lanes::F value) {
  const __mmask16 nan = _mm512_cmp_ps_mask((__m512)value, (__m512)value, _CMP_UNORD_Q);
  return (Lanes::F)_mm512_mask_mov_epi32((__m512i)value, nan, _mm512_set1_epi32(0x7fc00000));
}

BANTAM_INLINE const std::byte* record_of(const StripWeights& w, std::int64_t g) {
  return w.scales + (g >> w.layout.scale_shift) * scale_size(w.layout);
}
BANTAM_INLINE const std::int8_t* subs_of(const StripWeights& w, std::int64_t g) {
  return w.subs + g * sub_size(w.layout);
}

// The tile product of one group (or half of one), stored for the vector units.
template <int sum>
BANTAM_INLINE void tile_product(const std::int8_t* a, const std::uint8_t* w, Dots& dots) {
  tile_zero<sum>();
  tile_load<4 + sum % 2>(a, 32);
  tile_load<6 + sum % 2>(w, 64);
  tile_dot_int8<sum, 4 + sum % 2, 6 + sum % 2>();
  tile_store<sum>(dots, 64);
}

// ---- one plane, one scale a group: what most types come down to ----

template <int sum>
BANTAM_INLINE void tile_group(const StripBlock& p, std::int64_t g, Dots& dots) {
  if (g < p.groups)
    tile_product<sum>(p.a + g * kTileRows * kGroup, p.w.codes + g * kGroupBytes, dots);
}
BANTAM_INLINE void tile_batch(const StripBlock& p, std::int64_t g, Dots (&dots)[kBatch]) {
  tile_group<0>(p, g, dots[0]);
  tile_group<1>(p, g + 1, dots[1]);
  tile_group<2>(p, g + 2, dots[2]);
  tile_group<3>(p, g + 3, dots[3]);
}

// The minima of a group taken off.
BANTAM_INLINE void add_minimum(const StripBlock& p, std::int64_t g, Lanes::F (&sum)[16]) {
  const BlockLayout& l = p.w.layout;
  const Lanes::F dmin = scale_of<Lanes>(l, record_of(p.w, g), 1, 0);
  const float* d = p.a_scales + g * kTileRows;
  const std::int32_t* sums = p.a_sums + g * kTileRows;
  const std::int32_t* firsts = p.a_firsts + g * kTileRows;
  if (l.parts < 2) {
    const Lanes::F m =
        l.parts == 1 ? -(dmin * to_floats<Lanes>(sub_of<Lanes>(subs_of(p.w, g), 1, 0))) : -dmin;
    BANTAM_UNROLL
    for (int r = 0; r < 16; ++r)
      sum[r] = fma(m, all(d[r] * static_cast<float>(sums[r])), sum[r]);
    return;
  }
  const Lanes::F m0 = -(dmin * to_floats<Lanes>(sub_of<Lanes>(subs_of(p.w, g), 2, 0)));
  const Lanes::F m1 = -(dmin * to_floats<Lanes>(sub_of<Lanes>(subs_of(p.w, g), 3, 0)));
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r) {
    sum[r] = fma(m0, all(d[r] * static_cast<float>(firsts[r])), sum[r]);
    sum[r] = fma(m1, all(d[r] * static_cast<float>(sums[r] - firsts[r])), sum[r]);
  }
}

// Scaling a group (convert, times d_w, FMA with d_a: three vector instructions for 16 dot products
// of 32) costs more than its tile product. A product takes about 90 cycles to arrive in memory, so
// tiles run a batch of groups ahead of the vector units.
void whole_groups(const StripBlock& p, Lanes::F (&sum)[16]) {
  alignas(64) Dots dots[2][kBatch];
  tile_batch(p, 0, dots[0]);
  for (std::int64_t g = 0, turn = 0; g < p.groups; g += kBatch, ++turn) {
    tile_batch(p, g + kBatch, dots[(turn + 1) % 2]);
    for (std::int64_t i = 0; i < kBatch && g + i < p.groups; ++i) {
      const auto& dot = dots[turn % 2][i];
      Lanes::F scale = scale_of<Lanes>(p.w.layout, record_of(p.w, g + i), 0, 0);
      if (p.w.layout.parts == 1)
        scale *= to_floats<Lanes>(sub_of<Lanes>(subs_of(p.w, g + i), 0, 0));
      const float* a_scale = p.a_scales + (g + i) * kTileRows;
      BANTAM_UNROLL
      for (int r = 0; r < 16; ++r)
        sum[r] = fma(to_floats<Lanes>((Lanes::I)_mm512_load_si512(dot[r])) * scale,
                     all(a_scale[r]), sum[r]);
      if (p.w.layout.minimum) add_minimum(p, g + i, sum);
    }
  }
}

// ---- two planes, or two sub-scales a group ----

// All products of a group: by plane and half (or the whole).
template <bool halves, bool low>
BANTAM_INLINE void tile_parts(const StripBlock& p, std::int64_t g, Dots (&dots)[4]) {
  if (g >= p.groups) return;
  const std::int64_t at = g * kTileRows * kGroup;
  const std::uint8_t* w = p.w.codes + g * kGroupBytes;
  tile_product<0>(p.a + at, w, dots[0]);
  if constexpr (halves) tile_product<1>(p.a + at + 16, w + kGroupBytes / 2, dots[1]);
  if constexpr (low) tile_product<2>(p.a_low + at, w, dots[2]);
  if constexpr (halves && low)
    tile_product<3>(p.a_low + at + 16, w + kGroupBytes / 2, dots[3]);
}

template <bool halves, bool low>
void parts(const StripBlock& p, Lanes::F (&sum)[16]) {
  alignas(64) Dots dots[2][4];
  tile_parts<halves, low>(p, 0, dots[0]);
  for (std::int64_t g = 0; g < p.groups; ++g) {
    tile_parts<halves, low>(p, g + 1, dots[(g + 1) % 2]);
    const auto& dot = dots[g % 2];
    Lanes::F scale = scale_of<Lanes>(p.w.layout, record_of(p.w, g), 0, 0);
    Lanes::I sub0 = {}, sub1 = {};
    if constexpr (halves) {
      sub0 = sub_of<Lanes>(subs_of(p.w, g), 0, 0);
      sub1 = sub_of<Lanes>(subs_of(p.w, g), 1, 0);
    } else {
      if (p.w.layout.parts == 1) scale *= to_floats<Lanes>(sub_of<Lanes>(subs_of(p.w, g), 0, 0));
    }
    const float* a_scale = p.a_scales + g * kTileRows;
    BANTAM_UNROLL
    for (int r = 0; r < 16; ++r) {
      Lanes::I total = (Lanes::I)_mm512_load_si512(dot[0][r]);
      if constexpr (low) total = (total << 7) + (Lanes::I)_mm512_load_si512(dot[2][r]);
      if constexpr (halves) {
        Lanes::I second = (Lanes::I)_mm512_load_si512(dot[1][r]);
        if constexpr (low) second = (second << 7) + (Lanes::I)_mm512_load_si512(dot[3][r]);
        total = total * sub0 + second * sub1;
      }
      sum[r] = fma(to_floats<Lanes>(total) * scale, all(a_scale[r]), sum[r]);
    }
    if (p.w.layout.minimum) add_minimum(p, g, sum);
  }
}

void strip(const StripBlock& p) noexcept {
  Lanes::F sum[16];
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r)
    sum[r] = p.resume && r < p.rows ? read_floats<Lanes>(p.sums + r * p.stride) : Lanes::F{};
  const bool low = p.a_low != nullptr;
  if (p.w.layout.parts == 2) {
    tiles_configure(kHalfTiles);
    low ? parts<true, true>(p, sum) : parts<true, false>(p, sum);
    tiles_configure(kGroupTiles);
  } else {
    low ? parts<false, true>(p, sum) : whole_groups(p, sum);
  }
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r)
    if (r < p.rows) {
      const Lanes::F value = canonical(sum[r]);
      std::memcpy(p.sums + r * p.stride, &value, sizeof value);
    }
}

}  // namespace
BANTAM_TARGET_END

namespace {

// Memory of a self-check: numbers of every exponent that stays finite, subnormals, all bytes.
struct Sample {
  static constexpr std::int64_t kSteps = 3, kGroups = 5;
  alignas(64) std::uint16_t a[kSteps * kStep], b[kSteps * kStep];
  alignas(64) std::uint8_t codes[kGroups * kGroupBytes];
  alignas(64) std::uint16_t scales[kGroups * 32];
  alignas(64) std::int8_t subs[kGroups * 64];
  alignas(64) std::int8_t high[kGroups * kTileRows * kGroup], low[kGroups * kTileRows * kGroup];
  alignas(64) float a_scales[kGroups * kTileRows];
  std::int32_t a_sums[kGroups * kTileRows], a_firsts[kGroups * kTileRows];

  Sample() {
    const Random random(1, 2);
    std::uint64_t next = 0;
    const auto bits = [&] { return random.bits(next++); };
    // Exponents of bf16 from 0 to 143, so that sums stay under 2^40.
    const auto half = [&] {
      return static_cast<std::uint16_t>((bits() & 0x8000) | bits() % 144 << 7 | (bits() & 0x7f));
    };
    for (std::uint16_t& x : a) x = half();
    for (std::uint16_t& x : b) x = half();
    for (std::uint8_t& x : codes) x = static_cast<std::uint8_t>(bits());
    for (std::uint16_t& x : scales) x = static_cast<std::uint16_t>(0x2400 + bits() % 0x400);
    for (std::int8_t& x : subs) x = static_cast<std::int8_t>(bits() % 64);
    for (std::int8_t& x : high) x = static_cast<std::int8_t>(bits() % 255 - 127);
    for (std::int8_t& x : low) x = static_cast<std::int8_t>(bits() % 128 - 64);
    for (float& x : a_scales) x = static_cast<float>(bits() % 1000) * 0x1p-7f;
  }
  void add_up(bool planes) {
    for (std::int64_t i = 0; i < kGroups * kTileRows; ++i) {
      a_sums[i] = a_firsts[i] = 0;
      for (std::int64_t e = 0; e < kGroup; ++e) {
        const std::int64_t at = i * kGroup + e;
        const std::int32_t value = planes ? 128 * high[at] + low[at] : high[at];
        a_sums[i] += value;
        if (e < kGroup / 2) a_firsts[i] += value;
      }
    }
  }
};

struct Sums {
  alignas(64) float panel[32 * 32];
  alignas(64) float strip[2][3][16 * 16];  // by planes and sub-scales of a group
};

void run(const Kernels& k, Sample& s, Sums& out) {
  k.tiles_begin();
  k.panel_block({.a = s.a, .b = s.b, .steps = 2, .sums = out.panel, .resume = false});
  k.panel_block(
      {.a = s.a + 2 * kStep, .b = s.b + 2 * kStep, .steps = 1, .sums = out.panel, .resume = true});
  k.tiles_end();
  k.tiles_begin_q8();
  for (int planes = 0; planes < 2; ++planes) {
    s.add_up(planes > 0);
    for (int parts = 0; parts < 3; ++parts) {
      BlockLayout layout;
      layout.parts = parts;
      layout.minimum = parts > 0;
      k.strip_tall({.w = {layout, s.codes, reinterpret_cast<const std::byte*>(s.scales), s.subs},
                    .a = s.high,
                    .a_low = planes > 0 ? s.low : nullptr,
                    .a_scales = s.a_scales,
                    .a_sums = s.a_sums,
                    .a_firsts = s.a_firsts,
                    .groups = Sample::kGroups,
                    .sums = out.strip[planes][parts],
                    .stride = 16,
                    .rows = 16,
                    .resume = false});
    }
  }
  k.tiles_end();
}

}  // namespace
}  // namespace amx

bool amx_agrees(const Kernels& vectors, const Kernels& tiles) {
  amx::Sample sample;
  amx::Sums expected{}, got{};
  amx::run(vectors, sample, expected);
  amx::run(tiles, sample, got);
  return std::memcmp(&expected, &got, sizeof expected) == 0;
}

void fill_gemm_amx(Kernels& k, const Features& features) {
  k.tiles_begin = amx::begin_panels;
  k.tiles_end = amx::end;
  k.panel_block = amx::panel_block;
  k.tiles = true;
  if (!features.amx_int8) return;
  k.tiles_begin_q8 = amx::begin_q8;
  k.strip_tall = amx::strip;
  k.tall_as_codes = k.tall_starts = false;
  k.narrow_rows = 8;
}

}  // namespace bantam::kernels

#endif
