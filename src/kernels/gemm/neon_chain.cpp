// NEON: chains of FMAs over rising k (outer products).
#if defined(__aarch64__)

#include "kernels/gemm/fill.h"
#include "kernels/gemm/neon.h"

namespace bantam::kernels {
namespace neon {
BANTAM_TARGET_BEGIN("arch=armv8-a")
namespace {

// `rows` by 4 * `vectors` columns of c from (i, j) on.
template <int rows, int vectors>
void tile(const ChainBlock& p, std::int64_t i, std::int64_t j) {
  float32x4_t sum[rows][vectors];
  float* c = p.c + i * p.c_stride + j;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v)
      sum[r][v] = p.resume ? vld1q_f32(c + r * p.c_stride + 4 * v) : vdupq_n_f32(0);
  }
  const float* a = p.a + i * p.a_row;
  const float* b = p.b + j;
  for (std::int64_t k = 0; k < p.k; ++k, a += p.a_k, b += p.b_stride) {
    float32x4_t w[vectors];
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v) w[v] = vld1q_f32(b + 4 * v);
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const float x = a[r * p.a_row];
      BANTAM_UNROLL
      for (int v = 0; v < vectors; ++v) sum[r][v] = vfmaq_n_f32(sum[r][v], w[v], x);
    }
  }
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    BANTAM_UNROLL
    for (int v = 0; v < vectors; ++v) vst1q_f32(c + r * p.c_stride + 4 * v, canonical(sum[r][v]));
  }
}

template <int vectors>
void columns(const ChainBlock& p, std::int64_t j) {
  std::int64_t i = 0;
  for (; i + 6 <= p.rows; i += 6) tile<6, vectors>(p, i, j);
  for (; i + 2 <= p.rows; i += 2) tile<2, vectors>(p, i, j);
  if (i < p.rows) tile<1, vectors>(p, i, j);
}

// The last columns, fewer than four.
void column(const ChainBlock& p, std::int64_t j) {
  for (std::int64_t i = 0; i < p.rows; ++i) {
    float* c = p.c + i * p.c_stride + j;
    float sum = p.resume ? *c : 0.0f;
    for (std::int64_t k = 0; k < p.k; ++k)
      sum = __builtin_fmaf(p.a[i * p.a_row + k * p.a_k], p.b[k * p.b_stride + j], sum);
    *c = vgetq_lane_f32(canonical(vdupq_n_f32(sum)), 0);
  }
}

void chain(const ChainBlock& p) noexcept {
  std::int64_t j = 0;
  for (; j + 16 <= p.columns; j += 16) columns<4>(p, j);
  for (; j + 4 <= p.columns; j += 4) columns<1>(p, j);
  for (; j < p.columns; ++j) column(p, j);
}

}  // namespace
BANTAM_TARGET_END
}  // namespace neon

void fill_neon_chain(Kernels& k) { k.chain = neon::chain; }

}  // namespace bantam::kernels

#endif
