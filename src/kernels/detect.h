// What the processor offers and the operating system saves, by feature: how the rows of the table
// (Isa) are chosen and refined.
#pragma once

#include "base/rooms.h"
#include "kernels/kernels.h"

namespace bantam::kernels {

struct Features {
  bool avx2 = false;      // with FMA and F16C
  bool avx_vnni = false;  // VPDPBUSD on 256 bits, VEX-coded
  bool avx512 = false;    // F, BW, DQ, VL
  bool avx512_vnni = false;
  bool avx512_bf16 = false;  // conversions; the dot product has an order of its own and is not used
  bool amx_bf16 = false;     // tiles, granted by the kernel
  bool amx_int8 = false;
  bool neon = false;          // part of 64-bit Arm
  bool neon_dotprod = false;  // SDOT: four products of bytes a lane
  bool neon_i8mm = false;     // SMMLA: 2 x 8 by 8 x 2 bytes
};

// Detected once.
const Features& cpu_features();
// The row of the table for a processor with these features: what tests vary.
Kernels kernels_with(Isa isa, const Features& features);

}  // namespace bantam::kernels
