// What every source with vector code includes first: the instruction sets that Highway compiles
// for, and the element types of lanes-inl.h.
//
// Only sets that give the same bytes are built: those with a fused multiply-add, and the scalar
// one, where `fma` calls std::fma. (Between SSE2 and AVX2 Highway has no fused operation.) Arm's
// SVE has no compile-time width, which 16 virtual lanes need; NEON serves those processors.
#pragma once

#define HWY_COMPILE_ALL_ATTAINABLE  // keep scalar beside the best
#if defined(__aarch64__)
// NEON is the baseline: without choosing at run time Highway asks for nothing on top of it (for
// AES, which it would otherwise, and which some processors lack).
#define TOOLCHAIN_MISS_SYS_AUXV_H
#endif
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// For lambdas over registers: a call would spill them all.
#define BANTAM_INLINED __attribute__((always_inline))

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "base/view.h"
#include "blocks/half.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

// Elements in memory. `AnyElement` stands for a type known only at run time.
struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};
struct AnyElement {};

// How many of 16 lanes take part: all of them, or the first `count` (fewer than 16).
struct AllLanes {
  static constexpr int count = 16;
};
struct FirstLanes {
  int count;
  std::size_t size() const { return static_cast<std::size_t>(count); }
};

// The function for `isa`, from one a compiled target (null where there is none).
using FillKernels = void(Kernels&);
inline FillKernels* pick_target(Isa isa, FillKernels* scalar, FillKernels* avx2,
                                FillKernels* avx512, FillKernels* neon) {
  FillKernels* picked = nullptr;
  if (isa == Isa::avx2) picked = avx2;
  if (isa == Isa::avx512 || isa == Isa::amx) picked = avx512;
  if (isa == Isa::neon) picked = neon;
  return picked == nullptr ? scalar : picked;
}

}  // namespace bantam::kernels
