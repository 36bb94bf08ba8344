// What backward needs: the ops of a forward pass in order, and a place for each gradient.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace bantam {

struct Context;
class Tape;

// The gradients during a backward pass. grads[x] is where the gradient of x goes: written by the
// first op that has one, added to by the others; a parameter's is always added to.
class Grads {
 public:
  Grads(Context& ctx, Tape* tape) : ctx_(ctx), tape_(tape) {}
  bool wants(const Tensor& x) const { return tape_ && x.slot() >= 0; }
  Into operator[](const Tensor& x);  // wants(x) must hold

 private:
  friend class Tape;
  Context& ctx_;
  Tape* tape_;
};

class Tape {
 public:
  using Backward = std::function<void(Context&, const Tensor& dy, Grads&)>;
  // Runs a block again from its input, recording it on the tape.
  using Rerun = std::function<Tensor(Context&, const Tensor& x)>;

  // A parameter whose gradient (f32, its shape) is added to `gradient`. Watch before any op. A
  // parameter that two ops use (a tied embedding) is watched once for each use, so that gradients
  // accumulated over micro-batches are the same bytes as those of one large batch.
  Tensor watch(const Tensor& parameter, const Tensor& gradient);

  // Gives `out` a place for its gradient and remembers how to go back from there. An output that
  // nothing used is passed over, but for a `root` (a loss): its gradient is ones, and dy is empty.
  void record(Tensor& out, Backward backward, bool root = false);

  // Marks a block of the model: gradients inside it are released when backward leaves it. `rerun`
  // is set when the block's activations were not kept.
  void begin_block(const Tensor& input);
  void end_block(const Tensor& input, Tensor& out, Rerun rerun);

  // Goes back over all nodes, then forgets them.
  void backward(Context& ctx);
  // Forgets the nodes, keeps what is watched.
  void clear();

 private:
  friend class Grads;
  struct Slot {
    View view;
    bool has = false, parameter = false;
    Shape shape;
    Type type = Type::f32;
  };
  enum class Kind : std::uint8_t { op, begin_block, end_block, recompute };
  struct Node {
    Kind kind;
    Tensor out, input;
    Backward backward;
    Rerun rerun;
    bool root = false;
  };

  void reserve(Context& ctx, std::int32_t slot);
  void backward_from(Context& ctx, Grads& grads, std::size_t first);
  void recompute(Context& ctx, Grads& grads, const Node& node);

  std::vector<Slot> slots_;
  std::vector<Node> nodes_;
  std::size_t watched_ = 0;
};

}  // namespace bantam
