// The f32 product of rows with rows: y = x w^T, over the dot kernels.
#include "blocks/format.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/split.h"

namespace bantam::kernels {

namespace {

BlockKernel<DotBlock> kernel_of(const Kernels& kernels, Type type) {
  if (type == Type::f16) return kernels.dot_f16;
  if (type == Type::bf16) return kernels.dot_bf16;
  return kernels.dot_f32;
}

struct Pieces {
  std::int64_t rows, columns;
};

// Rows of x that stay in half of L2 while columns pass; a few tasks a thread.
Pieces choose(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t threads) {
  constexpr std::int64_t kFloats = 96 * 1024, kRowUnit = 12, kColumnUnit = 8;
  const std::int64_t rows =
      std::min(m, std::clamp(kFloats / k / kRowUnit * kRowUnit, kRowUnit, 8 * kRowUnit));
  const std::int64_t wanted = ceil_div(6 * threads, ceil_div(m, rows));
  return {rows, piece(n, kColumnUnit, n + kColumnUnit, wanted)};
}

}  // namespace

void gemm_dot(const Exec& exec, const ConstView& x, const ConstView& w, const float* bias, Into y) {
  const std::int64_t m = x.rows(), k = x.columns(), n = w.rows();
  if (exec.kernels.empty || m == 0 || n == 0) return;
  const BlockKernel<DotBlock> kernel = kernel_of(exec.kernels, w.type);
  const std::int64_t w_size = w.type == Type::f32 ? 4 : 2;
  const Pieces size = choose(m, n, std::max<std::int64_t>(k, 1), exec.pool.size());
  const std::int64_t columns = ceil_div(n, size.columns), tasks = ceil_div(m, size.rows) * columns;
  run_tasks(exec, tasks, m * n * k < kSmallWork, [&](std::int64_t task, unsigned) {
    const std::int64_t i = task / columns * size.rows, j = task % columns * size.columns;
    kernel({.x = x.as<float>() + i * x.stride,
            .x_stride = x.stride,
            .w = w.data + j * w.stride * w_size,
            .w_stride = w.stride,
            .k = k,
            .y = y.view.as<float>() + i * y.view.stride + j,
            .y_stride = y.view.stride,
            .rows = std::min(size.rows, m - i),
            .columns = std::min(size.columns, n - j),
            .bias = bias == nullptr ? nullptr : bias + j,
            .add = y.add});
  });
}

}  // namespace bantam::kernels
