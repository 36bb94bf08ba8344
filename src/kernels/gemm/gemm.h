// Products of the three arithmetics. Each driver splits the result over the pool and calls the
// micro-kernels of the table; the order of summation of an element depends on K alone.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "kernels/exec.h"

namespace bantam {

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

// ---- exact: q8_0 weights, activations quantised on the fly ----

// Per group of 32: d_a = max|a| / 127 (0 gives zeros), q = round-half-even(a * (127 / max|a|));
// c = fma(float(dot) * d_w, d_a, c), groups in rising order. NaN and infinity in a group make its
// outputs NaN.
// Weights [N,K] repacked once: strips of 16 outputs; in a strip, groups; in a group, for each four
// consecutive k a row of 16 outputs (64 bytes). Scales apart. N that 16 does not divide is padded.
class PackedQ8 {
 public:
  PackedQ8() = default;
  // Rows of q8_0 blocks (blocks/q8_0.cpp). K is a multiple of 32.
  PackedQ8(const Exec& exec, const ConstView& w, MemoryBlocks& memory,
           const PartPacked& done = nullptr);
  std::int64_t k() const { return k_; }
  std::int64_t n() const { return n_; }
  std::int64_t groups() const { return k_ / 32; }
  // The numbers that were packed: a row for each output.
  RowReader reader() const;
  const std::uint8_t* quants(std::int64_t strip) const;
  const std::uint16_t* scales(std::int64_t strip) const;
  explicit operator bool() const { return quants_ != nullptr; }

 private:
  std::int64_t n_ = 0, k_ = 0;
  std::shared_ptr<std::byte> quants_, scales_;
};
void gemm_q8(const Exec& exec, const ConstView& x, const PackedQ8& w, const float* bias, Into y);

}  // namespace bantam
