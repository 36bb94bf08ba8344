// AMX tiles as functions. GCC 12's own intrinsics are macros whose loads and configuration do not
// tell the compiler which memory they read, so that it may drop or delay the stores that fill it;
// these say so. They need no compiler flag, only a processor that has tiles and a thread that
// configured them. Instructions: Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 2.
#pragma once

#if defined(__x86_64__)

#include <cstddef>
#include <cstdint>

#include "base/rooms.h"

namespace bantam::kernels {
namespace {  // a copy for each file: some are compiled for more than the baseline

// The 64 bytes that LDTILECFG reads. Palette 1: eight tiles of at most 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {};
  std::uint8_t rows[16] = {};

  constexpr void set(int tile, int row_count, int row_bytes) {
    rows[tile] = static_cast<std::uint8_t>(row_count);
    bytes_per_row[tile] = static_cast<std::uint16_t>(row_bytes);
  }
  static constexpr TileConfig all_full() {
    TileConfig config;
    for (int tile = 0; tile < 8; ++tile) config.set(tile, 16, 64);
    return config;
  }
};
static_assert(sizeof(TileConfig) == 64);

// Tile state belongs to a thread, and is released after use: live tiles make every context switch
// dearer.
inline void tiles_configure(const TileConfig& config) {
  asm volatile("ldtilecfg %0" ::"m"(config));
}
inline void tiles_release() { asm volatile("tilerelease"); }

template <int tile>
inline void tile_zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(tile));
}
template <int tile>
inline void tile_load(const void* memory, std::ptrdiff_t row_stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(memory), "r"(row_stride), "i"(tile)
               : "memory");
}
template <int tile>
inline void tile_store(void* memory, std::ptrdiff_t row_stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(memory), "r"(row_stride), "i"(tile)
               : "memory");
}
// sum[m][n] += sum over pairs of a[m][2k..] * b[k][2n..], bf16 in, f32 out.
template <int sum, int a, int b>
inline void tile_dot_bf16() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(a), "i"(b));
}
// The same over fours of signed bytes, exact in int32.
template <int sum, int a, int b>
inline void tile_dot_int8() {
  asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(a), "i"(b));
}

}  // namespace
}  // namespace bantam::kernels

#endif
