// Products of the three arithmetics. Each driver splits the result over the pool and calls the
// micro-kernels of the table; the order of summation of an element depends on K alone.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/rooms.h"
#include "kernels/exec.h"

namespace bantam::kernels {

// Called, from any thread, with the part of a source that was packed and is not read again.
using PartPacked = std::function<void(std::span<const std::byte>)>;

// A matrix [rows, columns] that is read as float32, whatever it is kept as. `read` writes `count`
// rows from `row` on, of the `width` columns from `column` on, to `to`, one below the other
// (`width` apart); column and width are multiples of kReadUnit, but the width may also end with the
// row. Called from any thread.
struct RowReader {
  std::int64_t rows = 0, columns = 0;
  std::function<void(std::int64_t row, std::int64_t count, std::int64_t column, std::int64_t width,
                     float* to)>
      read;
};
constexpr std::int64_t kReadUnit = 256;  // no block is longer
// Rows of any type in memory that outlives the reader.
RowReader reader_of(const ConstView& rows);

// ---- f32: y[M,N] = x[M,K] w[N,K]^T ----

// x f32 rows; w f32, f16 or bf16 rows (widened in the kernel). 16 virtual lanes over k (lane = k
// mod 16, missing ones left out), folded in the tree of lanes.h. Then bias, then `add`. y f32.
void gemm_dot(const Exec& exec, const ConstView& x, const ConstView& w, const float* bias, Into y);

// C[M,N] = sum over rising k of fma(a(m,k), b[k,n], .), from 0 or from what c holds (`c.add`:
// gradients accumulated over micro-batches give the same bytes as one large batch). a is f32 with
// any strides: a(m,k) = a.data[m * a_row + k * a_k]; b, c f32 rows.
struct ChainFactor {
  const float* data;
  std::int64_t row_stride, k_stride;
};
void gemm_chain(const Exec& exec, std::int64_t m, std::int64_t k, ChainFactor a, const ConstView& b,
                Into c);
// The same with a `b` that is decoded piece by piece.
void gemm_chain(const Exec& exec, std::int64_t m, std::int64_t k, ChainFactor a, const RowReader& b,
                Into c);

// b [N,R] of a small R, turned for chains: panels of 64 columns of b^T, each R rows of 64 that lie
// together (rows as long as N would be far apart, which memory does not like); the last is filled up
// with zeros.
constexpr std::int64_t kThinColumns = 64;
constexpr std::int64_t thin_size(std::int64_t n, std::int64_t r) {
  return (n + kThinColumns - 1) / kThinColumns * kThinColumns * r;
}
void pack_thin(const ConstView& b, float* panels);

// y[M,N] += (scale * x a^T) b^T with a [R,K]: what adapters add to rows, all of it one region of the
// pool. The first product is gemm_dot's, the second gemm_chain's of packed panels or, where there are
// none, gemm_dot's of b [N,R]. All f32; the y of two products have no number in common.
struct LowRankProduct {
  ConstView x, a, b;
  const float* panels;  // of b, or null
  float scale;
  View y;
};
void gemm_low_rank(const Exec& exec, std::span<const LowRankProduct> products);

// ---- bf16: both factors rounded to bf16, f32 sums in the order of the AMX tile ----

// K in steps of 32; in a step an even and an odd chain of FMAs from zero, added, then onto the sum.
// Subnormals count as zero. B is packed: panels of 32 columns; in a panel, steps of 32 k; in a
// step, two tiles of 16 columns; in a tile, 16 rows of 16 pairs (k even, k odd). 2 KiB a step.
class PackedB {
 public:
  PackedB() = default;
  PackedB(std::int64_t k, std::int64_t n);
  // The same in memory of the caller's (an arena), 64-byte aligned, `bytes(k, n)` long.
  PackedB(std::int64_t k, std::int64_t n, std::byte* memory);
  static std::int64_t bytes(std::int64_t k, std::int64_t n) {
    return (k + 31) / 32 * ((n + 31) / 32) * 2048;
  }
  // B[k,n] from memory of any type. `k_contiguous`: the source has a row for each column of B (then
  // `done` hears of the rows, one after the other), else a row for each k.
  void pack(const Exec& exec, const ConstView& source, bool k_contiguous,
            const PartPacked& done = nullptr);
  void pack(const Exec& exec, const RowReader& source, bool k_contiguous);
  // What was packed, rounded as it is: a row for each column of B.
  RowReader reader() const;
  std::int64_t k() const { return k_; }
  std::int64_t n() const { return n_; }
  std::int64_t steps() const { return steps_; }
  const std::uint16_t* panel(std::int64_t index) const { return data_ + index * steps_ * 1024; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  void pack_read(const Exec& exec, const RowReader& source, bool k_contiguous,
                 const std::function<void(std::int64_t row, std::int64_t count)>& tell);

  std::int64_t k_ = 0, n_ = 0, steps_ = 0;
  std::uint16_t* data_ = nullptr;
  Bytes memory_;  // null: the caller's
};
// C[M,N] = A[M,K] B (+ bias). `c.add` with f32 c: the sums continue from c, in place, as if the
// steps of K were part of one longer sum. `c.add` with bf16 c: added at the end, rounded once.
void gemm_bf16(const Exec& exec, std::int64_t m, const PackSource& a, const PackedB& b,
               const float* bias, Into c);

// ---- int8: weights of block types, activations quantised on the fly ----

// How activations are rounded: 8 bits, or 15 bits in two planes of 8.
enum class Planes : std::uint8_t { one, two };

// Weights [N,K] of a block type, repacked once as gemm/blocks.h draws it. N that 16 does not divide
// is padded.
class PackedBlocks {
 public:
  PackedBlocks() = default;
  // Rows of a block type that divides K. `done` hears of the rows that are not read again.
  PackedBlocks(const Exec& exec, const ConstView& w, MemoryBlocks& memory,
               const PartPacked& done = nullptr);
  std::int64_t k() const { return k_; }
  std::int64_t n() const { return n_; }
  std::int64_t groups() const { return k_ / layout::kGroup; }
  const BlockLayout& layout() const { return layout_; }
  // Groups of a strip from `group` on, which begins a record of scales.
  StripWeights at(std::int64_t strip, std::int64_t group) const;
  // The numbers that were packed, as their type decodes them: a row for each output.
  RowReader reader(const Kernels& kernels) const;
  explicit operator bool() const { return codes_ != nullptr; }

 private:
  std::int64_t n_ = 0, k_ = 0;
  BlockLayout layout_;
  std::shared_ptr<std::byte> codes_, scales_, subs_;
};

// Per group of 32: d_a = max|a| / 127 (0 gives zeros), q = round-half-even(a * (127 / max|a|));
// with two planes 16256 = 127 * 128 stands for 127. `dot` is the sum of q_w q in whole numbers,
// with sub-scales of 16 the sum of both halves, each times its sub-scale. d_w is d, times a
// sub-scale of 32. Then c = fma(float(dot) * d_w, d_a, c), and with minima, for each sub-group or the group,
// c = fma(-(dmin * m), d_a * float(sum q), c). Groups in rising order. NaN and infinity in a group
// make its outputs NaN.
struct BlockProduct {
  const PackedBlocks& w;  // [N,K]
  const float* bias;      // or null
  Into y;                 // [M,N]
};
// Each of the products of x [M,K]: its rows are rounded once, and all is one region of the pool.
void gemm_blocks(const Exec& exec, const ConstView& x, std::span<const BlockProduct> products,
                 Planes planes);
void gemm_blocks(const Exec& exec, const ConstView& x, const PackedBlocks& w, Planes planes,
                 const float* bias, Into y);

}  // namespace bantam::kernels
