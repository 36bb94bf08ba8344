// The f32 product of the gradients: sums over rising k, one chain of FMAs an element.
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/split.h"

namespace bantam::kernels {

namespace {

constexpr std::int64_t kDepth = 128;     // of a pass: 64 columns of b take 32 KiB of L1
constexpr std::int64_t kColumns = 64;    // of a kernel's tile
// Between the rows of copies: an odd number of cache lines, so that a column of them spreads over
// all sets of L1.
constexpr std::int64_t kStride = kColumns + 16;
constexpr std::int64_t odd_lines(std::int64_t count) { return (count + 15) / 16 / 2 * 32 + 16; }
constexpr std::int64_t kMostRows = 384;  // a's share of a pass is 192 KiB of L2
constexpr std::int64_t kCopies = kDepth * (odd_lines(kMostRows) + kStride);
constexpr std::int64_t kMostColumns = 512;

// Copies of the factors of one pass, so that what the kernel reads lies together: rows that are a
// power of two apart share a few sets of L1.
struct Copies {
  float* a;  // [k][rows]
  float* b;  // [k][columns]
};
struct FloatRows {
  const float* data = nullptr;
  std::int64_t stride = 0;
};

inline void copy_rows(const float* from, std::int64_t from_stride, std::int64_t rows,
                      std::int64_t count, float* to, std::int64_t to_stride) {
  for (std::int64_t r = 0; r < rows; ++r)
    std::memcpy(to + r * to_stride, from + r * from_stride,
                static_cast<std::size_t>(count) * sizeof(float));
}

// `prepare(from, depth, j, width, scratch)` gives rows [from, from + depth) of b, columns [j, j +
// width), as floats; `scratch` has room for them.
template <class Prepare>
void chain_tasks(const Exec& exec, std::int64_t m, std::int64_t n, std::int64_t k, ChainFactor a,
                 Into c, std::int64_t unit, const Prepare& prepare) {
  if (exec.kernels.empty || m == 0 || n == 0) return;
  const std::int64_t threads = exec.pool.size();
  const std::int64_t rows = piece(m, 6, kMostRows, ceil_div(m, kMostRows));
  const std::int64_t columns =
      piece(n, unit, kMostColumns, ceil_div(6 * threads, ceil_div(m, rows)));
  const std::int64_t room = unit > kColumns ? kDepth * columns : 0;
  const std::int64_t across = ceil_div(n, columns), tasks = ceil_div(m, rows) * across;
  run_tasks(exec, tasks, m * n * k < kSmallWork, [&](std::int64_t task, unsigned worker) {
    const std::int64_t i = task / across * rows, j = task % across * columns;
    const std::int64_t height = std::min(rows, m - i), width = std::min(columns, n - j);
    float* scratch =
        exec.scratch[worker].get<float>(static_cast<std::size_t>(kCopies + room));
    const Copies copy{scratch, scratch + kDepth * odd_lines(kMostRows)};
    const std::int64_t a_stride = odd_lines(height);
    for (std::int64_t from = 0; from < k || from == 0; from += kDepth) {
      const std::int64_t depth = std::min(kDepth, k - from);
      const float* a_block = a.data + i * a.row_stride + from * a.k_stride;
      const bool copy_a = a.row_stride == 1;
      if (copy_a) copy_rows(a_block, a.k_stride, depth, height, copy.a, a_stride);
      const FloatRows piece = prepare(from, depth, j, width, scratch + kCopies);
      for (std::int64_t at = 0; at < width; at += kColumns) {
        const std::int64_t count = std::min(kColumns, width - at);
        const float* b_block = piece.data + at;
        if (count == kColumns)  // a length that the compiler knows
          copy_rows(b_block, piece.stride, depth, kColumns, copy.b, kStride);
        else
          copy_rows(b_block, piece.stride, depth, count, copy.b, kStride);
        exec.kernels.chain({.a = copy_a ? copy.a : a_block,
                            .a_row = a.row_stride,
                            .a_k = copy_a ? a_stride : a.k_stride,
                            .b = copy.b,
                            .b_stride = kStride,
                            .k = depth,
                            .c = c.view.as<float>() + i * c.view.stride + j + at,
                            .c_stride = c.view.stride,
                            .rows = height,
                            .columns = count,
                            .resume = c.add || from > 0});
      }
    }
  });
}

}  // namespace

void gemm_chain(const Exec& exec, std::int64_t m, std::int64_t k, ChainFactor a, const ConstView& b,
                Into c) {
  chain_tasks(exec, m, b.columns(), k, a, c, kColumns,
              [&](std::int64_t from, std::int64_t, std::int64_t j, std::int64_t, float*) {
                return FloatRows{b.as<float>() + from * b.stride + j, b.stride};
              });
}

void gemm_chain(const Exec& exec, std::int64_t m, std::int64_t k, ChainFactor a, const RowReader& b,
                Into c) {
  chain_tasks(exec, m, b.columns, k, a, c, kReadUnit,
              [&](std::int64_t from, std::int64_t depth, std::int64_t j, std::int64_t width,
                  float* scratch) {
                b.read(from, depth, j, width, scratch);
                return FloatRows{scratch, width};
              });
}

}  // namespace bantam::kernels
