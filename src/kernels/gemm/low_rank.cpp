// What adapters add to the rows of a pass. Of answers in the making each row may have an adapter of its
// own, and its two products take about a microsecond: as a region of the pool each, most of the time
// would go into waking threads.
#include <algorithm>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/split.h"

namespace bantam::kernels {

namespace {

constexpr std::int64_t kRows = 24;  // of a task: the adapter's numbers are read once for all of them

struct Piece {
  const LowRankProduct* product;
  std::int64_t row, rows;
};

void run_piece(const Kernels& kernels, const Piece& piece, float* inner) {
  const LowRankProduct& p = *piece.product;
  const std::int64_t rank = p.a.rows(), n = p.y.columns(), rows = piece.rows;
  float* const y = p.y.as<float>() + piece.row * p.y.stride;
  kernels.dot_f32({.x = p.x.as<float>() + piece.row * p.x.stride,
                   .x_stride = p.x.stride,
                   .w = p.a.data,
                   .w_stride = p.a.stride,
                   .k = p.x.columns(),
                   .y = inner,
                   .y_stride = rank,
                   .rows = rows,
                   .columns = rank,
                   .bias = nullptr,
                   .add = false});
  const View u(reinterpret_cast<std::byte*>(inner), Type::f32, {rows, rank});
  kernels.scale({u, p.scale, {u, false}}, 0, rows);
  for (std::int64_t j = 0; p.panels != nullptr && j < n; j += kThinColumns)
    kernels.chain({.a = inner,
                   .a_row = rank,
                   .a_k = 1,
                   .b = p.panels + j * rank,
                   .b_stride = kThinColumns,
                   .k = rank,
                   .c = y + j,
                   .c_stride = p.y.stride,
                   .rows = rows,
                   .columns = std::min(kThinColumns, n - j),
                   .resume = true});
  if (p.panels == nullptr)
    kernels.dot_f32({.x = inner,
                     .x_stride = rank,
                     .w = p.b.data,
                     .w_stride = p.b.stride,
                     .k = rank,
                     .y = y,
                     .y_stride = p.y.stride,
                     .rows = rows,
                     .columns = n,
                     .bias = nullptr,
                     .add = true});
}

}  // namespace

void pack_thin(const ConstView& b, float* panels) {
  const std::int64_t n = b.rows(), r = b.columns();
  std::fill_n(panels, thin_size(n, r), 0.0f);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < r; ++j)
      panels[i / kThinColumns * kThinColumns * r + j * kThinColumns + i % kThinColumns] =
          b.as<float>()[i * b.stride + j];
}

void gemm_low_rank(const Exec& exec, std::span<const LowRankProduct> products) {
  if (exec.kernels.empty) return;
  std::vector<Piece> pieces;
  std::int64_t work = 0, widest = 0;
  for (const LowRankProduct& p : products) {
    const std::int64_t m = p.x.rows(), rank = p.a.rows();
    for (std::int64_t row = 0; row < m; row += kRows)
      pieces.push_back({&p, row, std::min(kRows, m - row)});
    work += m * rank * (p.x.columns() + p.y.columns());
    widest = std::max(widest, rank);
  }
  run_tasks(exec, static_cast<std::int64_t>(pieces.size()), work < kSmallWork,
            [&](std::int64_t task, unsigned worker) {
              float* const inner =
                  exec.scratch[worker].get<float>(static_cast<std::size_t>(kRows * widest));
              run_piece(exec.kernels, pieces[static_cast<std::size_t>(task)], inner);
            });
}

}  // namespace bantam::kernels
