// What the NEON kernels share. NEON is part of 64-bit Arm: only what comes on top of it is raised
// by a target pragma. Instructions: Arm Architecture Reference Manual for A-profile, C7.
#pragma once

#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstdint>

#include "base/rooms.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace neon {
namespace {  // a copy for each file: some are compiled for more than the baseline

// Every NaN is the one of numbers.h.
BANTAM_INLINE float32x4_t canonical(float32x4_t value) {
  return vbslq_f32(vceqq_f32(value, value), value, vreinterpretq_f32_u32(vdupq_n_u32(0x7fc00000)));
}

// Hoisted by the compiler, loads would take the registers of the sums.
BANTAM_INLINE void loads_stay_below() { asm volatile("" ::: "memory"); }

BANTAM_INLINE float32x4_t widen_bf16(uint16x4_t bits) {
  return vreinterpretq_f32_u32(vshll_n_u16(bits, 16));
}

}  // namespace
}  // namespace neon
}  // namespace bantam::kernels

#endif
