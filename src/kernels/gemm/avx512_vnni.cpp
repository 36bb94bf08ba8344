// AVX-512 with VNNI: strips of block-type weights.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels/gemm/fill.h"
#include "kernels/gemm/target.h"

namespace bantam::kernels {
namespace avx512_vnni {
using namespace layout;
BANTAM_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")
namespace {

#include "kernels/gemm/codes-inl.h"
#include "kernels/gemm/strip-inl.h"

#include "kernels/gemm/avx512_lanes-inl.h"
#include "kernels/gemm/pairs-inl.h"

// VNNI multiplies unsigned by signed. In assembly, as GCC 12 broadcasts the activations apart,
// which costs a fifth of the speed of few rows.
struct Vnni : Avx512Lanes {
  static constexpr bool kFlips = true, kBothHalves = true, kFast = true;
  static BANTAM_INLINE void add(I& sum, B codes, const std::int8_t* a) {
    using Four __attribute__((may_alias)) = std::int32_t;
    asm("vpdpbusd %2%{1to16%}, %1, %0"
        : "+v"(sum)
        : "v"(codes), "m"(*reinterpret_cast<const Four*>(a)));
  }
  template <class C>
  static BANTAM_INLINE void dot8(const B (&codes)[4], const B (&more)[4], const std::int8_t* a,
                                 I& first, I& second) {
    BANTAM_UNROLL
    for (int i = 0; i < 8; ++i) {
      // In the order of the lines in memory, which the processor reads ahead in.
      const int row = C::kSize == kGroupBytes ? i : i / 2 + i % 2 * 4;
      add(row < 4 ? first : second, row < 4 ? codes[row] : more[row - 4], a + 4 * row);
    }
  }
};

// Of more than eight rows, with codes in bytes.
struct Tall : Vnni {
  static constexpr bool kStarts = true, kPairs = true;
  // Four bytes of activations in every lane, and the product with them there.
  static BANTAM_INLINE I four(const std::int8_t* a) {
    using Four __attribute__((may_alias)) = std::int32_t;
    I all;
    asm("vpbroadcastd %1, %0" : "=v"(all) : "m"(*reinterpret_cast<const Four*>(a)));
    return all;
  }
  static BANTAM_INLINE void add_four(I& sum, B codes, I a) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(a));
  }
};

void strip(const StripBlock& p) noexcept { run_any<Vnni, true>(p); }
void strip_tall(const StripBlock& p) noexcept { run_any<Tall, false>(p); }

}  // namespace
BANTAM_TARGET_END
}  // namespace avx512_vnni

void fill_avx512_vnni(Kernels& k) {
  k.strip = avx512_vnni::strip;
  k.strip_tall = avx512_vnni::strip_tall;
  k.tall_starts = true;
  k.narrow_rows = 32;
}

}  // namespace bantam::kernels

#endif
