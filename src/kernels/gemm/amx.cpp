// AMX: blocks of bf16 panels, and q8_0 strips of many rows, on tiles.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "base/random.h"
#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"
#include "kernels/gemm/tiles.h"

namespace bantam {
namespace amx {
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

constexpr std::int64_t kGroup = 32, kTileRows = 16, kGroupBytes = 512;
constexpr std::int64_t kBatch = 4;  // groups
using Dots = std::int32_t[16][16];

// The tile product of one group, stored for the vector units.
template <int sum>
BANTAM_INLINE void tile_group(const StripBlock& p, std::int64_t g, Dots& dots) {
  if (g >= p.groups) return;
  tile_zero<sum>();
  tile_load<4 + sum % 2>(p.a + g * kTileRows * kGroup, 32);
  tile_load<6 + sum % 2>(p.quants + g * kGroupBytes, 64);
  tile_dot_int8<sum, 4 + sum % 2, 6 + sum % 2>();
  tile_store<sum>(dots, 64);
}
BANTAM_INLINE void tile_batch(const StripBlock& p, std::int64_t g, Dots (&dots)[kBatch]) {
  tile_group<0>(p, g, dots[0]);
  tile_group<1>(p, g + 1, dots[1]);
  tile_group<2>(p, g + 2, dots[2]);
  tile_group<3>(p, g + 3, dots[3]);
}

BANTAM_INLINE __m512 canonical(__m512 value) {
  const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  return _mm512_castsi512_ps(
      _mm512_mask_mov_epi32(_mm512_castps_si512(value), nan, _mm512_set1_epi32(0x7fc00000)));
}

// Scaling a group (convert, times d_w, FMA with d_a: three vector instructions for 16 dot products
// of 32) costs more than its tile product. A product takes about 90 cycles to arrive in memory, so
// tiles run a batch of groups ahead of the vector units.
void strip(const StripBlock& p) noexcept {
  alignas(64) Dots dots[2][kBatch];
  __m512 sum[16];
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r)
    sum[r] = p.resume && r < p.rows ? _mm512_loadu_ps(p.sums + r * p.stride) : _mm512_setzero_ps();
  tile_batch(p, 0, dots[0]);
  for (std::int64_t g = 0, turn = 0; g < p.groups; g += kBatch, ++turn) {
    tile_batch(p, g + kBatch, dots[(turn + 1) % 2]);
    for (std::int64_t i = 0; i < kBatch && g + i < p.groups; ++i) {
      const auto& dot = dots[turn % 2][i];
      const __m512 w_scale = _mm512_cvtph_ps(
          _mm256_load_si256(reinterpret_cast<const __m256i*>(p.w_scales + (g + i) * 16)));
      const float* a_scale = p.a_scales + (g + i) * kTileRows;
      BANTAM_UNROLL
      for (int r = 0; r < 16; ++r)
        sum[r] =
            _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_load_si512(dot[r])), w_scale),
                            _mm512_set1_ps(a_scale[r]), sum[r]);
    }
  }
  BANTAM_UNROLL
  for (int r = 0; r < 16; ++r)
    if (r < p.rows) _mm512_storeu_ps(p.sums + r * p.stride, canonical(sum[r]));
}

}  // namespace
BANTAM_TARGET_END

namespace {

// Memory of a self-check: numbers of every exponent that stays finite, subnormals, all bytes.
struct Sample {
  static constexpr std::int64_t kSteps = 3, kGroups = 5;
  alignas(64) std::uint16_t a[kSteps * kStep], b[kSteps * kStep];
  alignas(64) std::uint8_t quants[kGroups * kGroupBytes];
  alignas(64) std::uint16_t w_scales[kGroups * 16];
  alignas(64) std::int8_t activations[kGroups * kTileRows * kGroup];
  alignas(64) float a_scales[kGroups * kTileRows];
  std::int32_t a_sums[kGroups * kTileRows];

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
    for (std::uint8_t& x : quants) x = static_cast<std::uint8_t>(bits());
    for (std::uint16_t& x : w_scales) x = static_cast<std::uint16_t>(0x2400 + bits() % 0x400);
    for (std::int8_t& x : activations) x = static_cast<std::int8_t>(bits() % 255 - 127);
    for (float& x : a_scales) x = static_cast<float>(bits() % 1000) * 0x1p-7f;
    for (std::int64_t i = 0; i < kGroups * kTileRows; ++i) {
      a_sums[i] = 0;
      for (std::int64_t e = 0; e < kGroup; ++e) a_sums[i] += activations[i * kGroup + e];
    }
  }
};

struct Sums {
  alignas(64) float panel[32 * 32];
  alignas(64) float strip[16 * 16];
};

void run(const Kernels& k, const Sample& s, Sums& out) {
  k.tiles_begin();
  k.panel_block({.a = s.a, .b = s.b, .steps = 2, .sums = out.panel, .resume = false});
  k.panel_block(
      {.a = s.a + 2 * kStep, .b = s.b + 2 * kStep, .steps = 1, .sums = out.panel, .resume = true});
  k.tiles_end();
  k.tiles_begin_q8();
  k.strip_q8_tall({.quants = s.quants,
                   .w_scales = s.w_scales,
                   .a = s.activations,
                   .a_scales = s.a_scales,
                   .a_sums = s.a_sums,
                   .groups = Sample::kGroups,
                   .sums = out.strip,
                   .stride = 16,
                   .rows = 16,
                   .resume = false});
  k.tiles_end();
}

}  // namespace
}  // namespace amx

bool amx_agrees(const Kernels& vectors, const Kernels& tiles) {
  const amx::Sample sample;
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
  k.strip_q8_tall = amx::strip;
}

}  // namespace bantam

#endif
