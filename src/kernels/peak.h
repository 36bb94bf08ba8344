// What this machine can do at most: arithmetic on registers alone, and reading memory. Measured, in
// the same run as what is compared with it, because neighbours and clock speed change.
#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

// The instruction that bounds an arithmetic: FMA for f32 products and bf16 panels without tiles,
// four products of bytes for the exact ones, tiles.
enum class Unit : std::uint8_t { fma, bytes, tile_bf16, tile_int8 };

// Operations per second of all threads (a multiply-add is two), by the clock and by processor time
// (what they would do if neighbours took no time).
struct Rate {
  double by_clock = 0, by_processor = 0;
};
// About `seconds` of work on every worker. Zero where `isa` has no such unit.
Rate measure_peak(ThreadPool& pool, Isa isa, Unit unit, double seconds);

// Bytes per second that all workers together read from `memory`, each its own part; it should be
// much larger than the caches.
Rate measure_read_bandwidth(ThreadPool& pool, const std::byte* memory, std::size_t bytes);

}  // namespace bantam::kernels
