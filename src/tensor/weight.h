// The matrix of a linear layer, in every form that its products take.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/rooms.h"
#include "kernels/gemm/gemm.h"
#include "tensor/tensor.h"

namespace bantam::tensor {

struct Context;
enum class Arithmetic : std::uint8_t;

// [N,K]: N outputs, K inputs. A weight begins as rows. What a product wants beside them (packed
// for x w^T, packed for dy w, widened) is made when it is first wanted and kept, shared by all
// copies of the weight. One that is prepared for one arithmetic may have let its rows go: what is
// wanted later is made from the form it has.
class Weight {
 public:
  Weight() = default;
  // Rows of any type, whose memory stays as long as the tensor does.
  Weight(Tensor rows);

  explicit operator bool() const { return rows_.shape().rank() > 0; }
  const Shape& shape() const { return rows_.shape(); }
  std::int64_t dim(int i) const { return rows_.dim(i); }
  Type type() const { return rows_.type(); }  // as it was stored
  // The rows; throws Error when they were let go.
  const Tensor& rows() const;
  // As a tensor of the tape: it has a shape and a slot, but maybe no memory.
  const Tensor& tensor() const { return rows_; }

  // y = x w^T + bias (null: none): x [T,K] -> [T,N], in the context's arithmetic; int8 and faithful
  // are for block types, other types are multiplied in f32 there.
  void multiply(Context& ctx, const Tensor& x, const float* bias, Into y) const;
  // The same of several weights [N,K], as one piece of work where their forms allow it.
  struct Product {
    const Weight& w;
    const float* bias;
    Into y;
  };
  static void multiply_each(Context& ctx, const Tensor& x, std::span<const Product> products);
  // y += (scale * x a^T) b^T for each: x [T,K], a [R,K], b [N,R], y [T,N]. The bytes of a's product,
  // scaled, and b's product added, but one piece of work: of answers in the making each may be under an
  // adapter of its own.
  struct LowRankPart {
    Tensor x;
    const Weight& a;
    const Weight& b;
    float scale;
    Tensor y;
  };
  static void add_low_rank(Context& ctx, std::span<const LowRankPart> parts);
  // Makes the form of a b that add_low_rank wants in f32, beside others in `memory`.
  void prepare_low_rank(MemoryBlocks& memory) const;
  // dx = dy w: dy [T,N] -> [T,K]; bf16 in that arithmetic, else f32 with the numbers that the
  // weight stands for. Throws Error in f32 when all that is left are numbers rounded to bf16.
  void multiply_transposed(Context& ctx, const Tensor& dy, Into dx) const;

  // The numbers of the rows have changed: forms are made again (in their memory) at the next use.
  void changed() const;

  // Makes the form that `multiply` wants in this arithmetic, and lets the rows go when that form
  // stands for them. `memory`: where forms lie side by side; `done` hears of the rows that are not
  // read again.
  void prepare(const Exec& exec, Arithmetic arithmetic, MemoryBlocks& memory,
               const PartPacked& done = nullptr);

 private:
  struct Forms;
  RowReader reader(const Kernels& kernels, bool rounded) const;
  const PackedBlocks& blocks(const Exec& exec) const;
  const PackedB& panels(const Exec& exec, bool transposed) const;
  const Tensor& wide(const Exec& exec) const;
  bool narrow() const;

  Tensor rows_;  // without memory when they were let go
  std::shared_ptr<Forms> forms_;
};

}  // namespace bantam::tensor
