// Bursts of twelve independent chains of one instruction, enough to hide its latency; written as
// asm so that the compiler neither merges nor spills them.
#include "kernels/peak.h"

#include <time.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "kernels/detect.h"
#include "kernels/gemm/target.h"
#include "kernels/gemm/tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bantam::kernels {

namespace {

constexpr int kTurns = 2000;
constexpr int kChains = 12;

// Operations done by one burst.
using Burst = double (*)();

#if defined(__x86_64__)

// Zeroed first: leftovers could be subnormal, and slow.
#define BANTAM_BURST(name, reg, bits, instruction, operations)                                    \
  double name() {                                                                                 \
    asm volatile("vzeroall");                                                                     \
    for (int turn = 0; turn < kTurns; ++turn)                                                     \
      asm volatile(instruction                                                                    \
                   " %%" reg "12, %%" reg "12, %%" reg "0\n\t" instruction " %%" reg "12, %%" reg \
                   "12, %%" reg "1\n\t" instruction " %%" reg "12, %%" reg "12, %%" reg           \
                   "2\n\t" instruction " %%" reg "12, %%" reg "12, %%" reg "3\n\t" instruction    \
                   " %%" reg "12, %%" reg "12, %%" reg "4\n\t" instruction " %%" reg "12, %%" reg \
                   "12, %%" reg "5\n\t" instruction " %%" reg "12, %%" reg "12, %%" reg           \
                   "6\n\t" instruction " %%" reg "12, %%" reg "12, %%" reg "7\n\t" instruction    \
                   " %%" reg "12, %%" reg "12, %%" reg "8\n\t" instruction " %%" reg "12, %%" reg \
                   "12, %%" reg "9\n\t" instruction " %%" reg "12, %%" reg "12, %%" reg           \
                   "10\n\t" instruction " %%" reg "12, %%" reg "12, %%" reg "11" ::               \
                       : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",  \
                         "xmm9", "xmm10", "xmm11", "xmm12");                                      \
    asm volatile("vzeroupper");                                                                   \
    return 2.0 * operations * kChains * kTurns;                                                   \
  }

BANTAM_TARGET_BEGIN("avx2")
BANTAM_BURST(fma256, "ymm", 256, "vfmadd231ps", 8)
BANTAM_BURST(vnni256, "ymm", 256, "%{vex%} vpdpbusd", 32)
BANTAM_BURST(maddubs256, "ymm", 256, "vpmaddubsw", 32)
BANTAM_BURST(fma512, "zmm", 512, "vfmadd231ps", 16)
BANTAM_BURST(vnni512, "zmm", 512, "vpdpbusd", 64)
BANTAM_BURST(maddubs512, "zmm", 512, "vpmaddubsw", 64)
BANTAM_TARGET_END
#undef BANTAM_BURST

template <bool int8>
double tile_burst() {
  const TileConfig config = TileConfig::all_full();
  tiles_configure(config);
  tile_zero<0>();
  tile_zero<1>();
  tile_zero<2>();
  tile_zero<3>();
  tile_zero<4>();
  tile_zero<5>();
  for (int turn = 0; turn < kTurns; ++turn) {
    if constexpr (int8) {
      tile_dot_int8<0, 4, 5>();
      tile_dot_int8<1, 4, 5>();
      tile_dot_int8<2, 4, 5>();
      tile_dot_int8<3, 4, 5>();
    } else {
      tile_dot_bf16<0, 4, 5>();
      tile_dot_bf16<1, 4, 5>();
      tile_dot_bf16<2, 4, 5>();
      tile_dot_bf16<3, 4, 5>();
    }
  }
  tiles_release();
  return 2.0 * 16 * 16 * (int8 ? 64 : 32) * 4 * kTurns;
}

Burst burst_of(Isa isa, Unit unit) {
  const Features& f = cpu_features();
  if (!isa_available(isa) || isa == Isa::scalar) return nullptr;
  const bool wide = isa != Isa::avx2;
  switch (unit) {
    case Unit::fma:
      return wide ? fma512 : fma256;
    case Unit::bytes:
      if (wide) return f.avx512_vnni ? vnni512 : maddubs512;
      return f.avx_vnni ? vnni256 : maddubs256;
    case Unit::tile_bf16:
      return isa == Isa::amx && f.amx_bf16 ? tile_burst<false> : nullptr;
    case Unit::tile_int8:
      return isa == Isa::amx && f.amx_int8 ? tile_burst<true> : nullptr;
  }
  return nullptr;
}

#elif defined(__aarch64__)

#define BANTAM_EACH(text) ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t" text "\n\t.endr"
#define BANTAM_BURST(name, instruction, sum, factor, operations)                                   \
  double name() {                                                                                  \
    asm volatile("movi v12.4s, #0\n\t" BANTAM_EACH("movi v\\r\\().4s, #0")::                       \
                     : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",   \
                       "v12");                                                                     \
    for (int turn = 0; turn < kTurns; ++turn)                                                      \
      asm volatile(BANTAM_EACH(instruction " v\\r\\()." sum ", v12." factor ", v12." factor)::     \
                       : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", \
                         "v12");                                                                   \
    return 2.0 * operations * kChains * kTurns;                                                    \
  }

BANTAM_BURST(fma128, "fmla", "4s", "4s", 4)
BANTAM_BURST(multiply128, "smlal", "8h", "8b", 8)
BANTAM_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
BANTAM_BURST(dot128, "sdot", "4s", "16b", 16)
BANTAM_BURST(matrix128, "smmla", "4s", "16b", 32)
BANTAM_TARGET_END
#undef BANTAM_BURST
#undef BANTAM_EACH

Burst burst_of(Isa isa, Unit unit) {
  const Features& f = cpu_features();
  if (isa != Isa::neon) return nullptr;
  if (unit == Unit::fma) return fma128;
  if (unit == Unit::bytes) return f.neon_i8mm ? matrix128 : f.neon_dotprod ? dot128 : multiply128;
  return nullptr;
}

#else

Burst burst_of(Isa, Unit) { return nullptr; }

#endif

double seconds_of(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::uint64_t read_all(const std::byte* memory, std::size_t bytes) {
  // A vector of GCC's: sixteen bytes everywhere, which is enough to wait for memory only.
  using Vector = std::uint64_t __attribute__((vector_size(16), aligned(16), may_alias));
  const auto* from = reinterpret_cast<const Vector*>(memory);
  Vector sum[8] = {};
  for (std::size_t i = 0; i + 8 <= bytes / sizeof(Vector); i += 8)
    for (std::size_t j = 0; j < 8; ++j) sum[j] ^= from[i + j];
  for (std::size_t j = 1; j < 8; ++j) sum[0] ^= sum[j];
  return sum[0][0] ^ sum[0][1];
}

}  // namespace

Rate measure_peak(ThreadPool& pool, Isa isa, Unit unit, double seconds) {
  const Burst burst = burst_of(isa, unit);
  if (burst == nullptr) return {};
  std::vector<Rate> rates(pool.size());
  // A task a worker; a barrier keeps one worker from doing two while another sleeps.
  std::atomic<unsigned> arrived{0};
  pool.parallel_for(pool.size(), [&](std::int64_t task, unsigned) {
    arrived.fetch_add(1);
    while (arrived.load() < pool.size()) std::this_thread::yield();
    const double start = seconds_of(CLOCK_MONOTONIC);
    const double processor_start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    double operations = 0, elapsed;
    do {
      operations += burst();
      elapsed = seconds_of(CLOCK_MONOTONIC) - start;
    } while (elapsed < seconds);
    const double processor = seconds_of(CLOCK_THREAD_CPUTIME_ID) - processor_start;
    rates[static_cast<std::size_t>(task)] = {operations / elapsed, operations / processor};
  });
  Rate all;
  for (const Rate& rate : rates) {
    all.by_clock += rate.by_clock;
    all.by_processor += rate.by_processor;
  }
  return all;
}

Rate measure_read_bandwidth(ThreadPool& pool, const std::byte* memory, std::size_t bytes) {
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  std::atomic<std::uint64_t> sink{0};
  const auto pieces = static_cast<std::int64_t>(bytes / kPiece);
  const double start = seconds_of(CLOCK_MONOTONIC);
  const double processor_start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  pool.parallel_for(pieces, [&](std::int64_t piece, unsigned) {
    sink.fetch_xor(read_all(memory + static_cast<std::size_t>(piece) * kPiece, kPiece),
                   std::memory_order_relaxed);
  });
  const double read = static_cast<double>(pieces) * kPiece;
  return {read / (seconds_of(CLOCK_MONOTONIC) - start),
          read * pool.size() / (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor_start)};
}

}  // namespace bantam::kernels
