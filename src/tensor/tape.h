// What backward needs: the ops of a forward pass in order, and a place for each gradient.
//
// A tensor needs a gradient when it is watched or kept, or when it was made from one that does; it
// has a slot then. Of anything else nothing is recorded, and no memory is taken for it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "tensor/tensor.h"

namespace bantam::tensor {

struct Context;
class Tape;

// The gradients during a backward pass. grads[x] is where the gradient of x goes: written by the
// first op that has one, added to by the others; a parameter's is always added to.
class Grads {
 public:
  Grads(Context& ctx, Tape* tape) : ctx_(ctx), tape_(tape) {}
  bool wants(const Tensor& x) const { return tape_ && x.slot() >= 0; }
  // A view without memory where nobody wants it: kernels of several gradients leave it out.
  Into operator[](const Tensor& x);
  // For gradients that are sums over rows, continued where they lie: f32 of x's shape, zeros when x
  // has none yet; null where nobody wants it. Throws Error when x is not f32.
  float* sums(const Tensor& x);

 private:
  Context& ctx_;
  Tape* tape_;
};

class Tape {
 public:
  using Backward = std::function<void(Context&, const Tensor& dy, Grads&)>;
  // Runs a block again from its input, recording it on the tape.
  using Rerun = std::function<Tensor(Context&, const Tensor& x)>;
  using Input = std::reference_wrapper<const Tensor>;

  // A parameter whose gradient (f32, its shape) is added to `gradient`. Watch before any op. A
  // parameter that two ops use (a tied embedding) is watched once for each use, so that gradients
  // accumulated over micro-batches are the same bytes as those of one large batch.
  Tensor watch(const Tensor& parameter, const Tensor& gradient);

  // Makes x need a gradient, and returns where backward leaves that of this handle of x, which goes
  // on to what x was made from: memory of its own, of x's shape and type, zeros if nothing depends
  // on the handle.
  Tensor keep(Tensor& x);

  // Whether one of these needs a gradient: then their op is recorded, and what its backward will
  // read is worth keeping.
  bool needs(std::initializer_list<Input> inputs) const { return !paused_ && any(inputs); }
  bool needs(std::span<const Input> inputs) const { return !paused_ && any(inputs); }

  // `out` was made from `inputs`, one of which may need a gradient: then it gets a slot, and
  // `backward` is called with its gradient, unless nothing used it.
  template <class Function>
  void record(Tensor& out, std::initializer_list<Input> inputs, Function&& backward) {
    if (any(inputs)) push(out, std::forward<Function>(backward), false);
  }
  template <class Function>
  void record(Tensor& out, std::span<const Input> inputs, Function&& backward) {
    if (any(inputs)) push(out, std::forward<Function>(backward), false);
  }
  // The same for a loss from which backward() sets out: its gradient is ones, and dy is empty.
  template <class Function>
  void record_root(Tensor& out, std::initializer_list<Input> inputs, Function&& backward) {
    if (any(inputs)) push(out, std::forward<Function>(backward), true);
  }

  // Marks a block of the model: gradients inside it are released when backward leaves it.
  std::size_t begin_block();
  // `begin` is what begin_block gave. Returns whether the block recorded anything; if not, the tape
  // is as it was before.
  bool end_block(const Tensor& input, std::size_t begin);
  // A block whose activations were not kept: backward runs it again from its input.
  void record_block(Tensor& out, const Tensor& input, Rerun rerun);

  // While it lives, ops that would be recorded only pass on that their result needs a gradient.
  class Pause {
   public:
    explicit Pause(Tape* tape) : tape_(tape), before_(tape && std::exchange(tape->paused_, true)) {}
    ~Pause() {
      if (tape_) tape_->paused_ = before_;
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Tape* tape_;
    bool before_;
  };
  bool paused() const { return paused_; }

  // Losses make their gradient while they run, which saves a product with the head, but holds only
  // if backward sets out from all of them with ones. Say true before forward when it will be given
  // seeds on losses.
  void expect_seeds(bool expected) { seeds_expected_ = expected; }
  bool seeds_expected() const { return seeds_expected_; }

  // Goes back over all nodes, then forgets them: from every root, or instead from these tensors
  // with the gradient (their shape; f32 or their type) that stands beside each. Throws Error for a
  // seed that needs no gradient.
  struct Seed {
    Tensor at, gradient;
  };
  void backward(Context& ctx, std::span<const Seed> seeds = {});
  // Forgets the nodes, keeps what is watched.
  void clear();

 private:
  friend class Grads;
  struct Slot {
    View view;
    bool has = false, parameter = false;
    Shape shape;
    Type type = Type::f32;
    Tensor own;  // a gradient that outlives backward
  };
  enum class Kind : std::uint8_t { op, begin_block, end_block, rerun };
  struct Node {
    Kind kind;
    std::int32_t slot = -1;  // of the output; end_block: how many there were before the block
    Tensor input;            // of a block
    Backward backward;       // op
    bool root = false;       // op
    Rerun run;               // rerun
  };

  template <class Inputs>
  static bool any(const Inputs& inputs) {
    for (const Tensor& x : inputs)
      if (x.slot() >= 0) return true;
    return false;
  }
  void push(Tensor& out, Backward backward, bool root);
  std::int32_t add_slot(const Tensor& of);
  void reserve(Context& ctx, std::int32_t slot);
  void plant(Context& ctx, Grads& grads, const Seed& seed);
  void backward_from(Context& ctx, Grads& grads, std::size_t first);
  void run_again(Context& ctx, Grads& grads, const Node& node);

  std::vector<Slot> slots_;
  std::vector<Node> nodes_;
  std::size_t watched_ = 0;
  std::size_t floor_ = 0;  // slots before this one outlive the block that backward is in
  bool paused_ = false, seeds_expected_ = false, from_roots_ = true;
};

}  // namespace bantam::tensor
