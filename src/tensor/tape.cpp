#include "tensor/tape.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "tensor/context.h"

namespace bantam::tensor {

namespace {

// The slot of what needs a gradient while the tape pauses: it is never looked up.
constexpr std::int32_t kUnrecorded = std::numeric_limits<std::int32_t>::max();

// While backward runs, the ops that it calls record nothing.
class TapeAway {
 public:
  explicit TapeAway(Context& ctx) : ctx_(ctx), tape_(std::exchange(ctx.tape, nullptr)) {}
  ~TapeAway() { ctx_.tape = tape_; }
  TapeAway(const TapeAway&) = delete;
  TapeAway& operator=(const TapeAway&) = delete;

 private:
  Context& ctx_;
  Tape* tape_;
};

}  // namespace

Into Grads::operator[](const Tensor& x) {
  if (!wants(x)) return {};
  Tape::Slot& slot = tape_->slots_[static_cast<std::size_t>(x.slot())];
  if (slot.parameter) return {slot.view, true};
  tape_->reserve(ctx_, x.slot());
  return {slot.view, std::exchange(slot.has, true)};
}

float* Grads::sums(const Tensor& x) {
  if (!wants(x)) return nullptr;
  const Into to = (*this)[x];
  if (to.view.type != Type::f32) throw Error("a gradient summed over rows must be float32");
  if (!to.add && !ctx_.kernels().empty)
    std::fill_n(to.view.as<float>(), to.view.shape.count(), 0.0f);
  return to.view.as<float>();
}

std::int32_t Tape::add_slot(const Tensor& of) {
  Slot slot;
  slot.shape = of.shape();
  slot.type = of.type();
  slots_.push_back(std::move(slot));
  return static_cast<std::int32_t>(slots_.size() - 1);
}

Tensor Tape::watch(const Tensor& parameter, const Tensor& gradient) {
  require_shape("gradient", gradient, parameter.shape());
  const std::int32_t index = add_slot(parameter);
  Slot& slot = slots_.back();
  slot.own = gradient;
  slot.view = gradient.view();
  slot.has = slot.parameter = true;
  watched_ = slots_.size();
  return parameter.with_slot(index);
}

Tensor Tape::keep(Tensor& x) {
  if (paused_) throw Error("a gradient cannot be kept inside a block that will run again");
  const Tensor before = x;
  if (before.slot() < 0)
    x = x.with_slot(add_slot(x));
  else
    push(
        x,
        [before](Context& c, const Tensor& dy, Grads& d) {
          c.rows(c.kernels().convert, ConvertArgs{dy.view(), d[before]}, dy.rows(), dy.columns());
        },
        false);
  Slot& slot = slots_[static_cast<std::size_t>(x.slot())];
  slot.own = Tensor::zeros(slot.shape, slot.type);
  slot.view = slot.own.view();
  return slot.own;
}

void Tape::push(Tensor& out, Backward backward, bool root) {
  if (paused_) {
    out = out.with_slot(kUnrecorded);
    return;
  }
  const std::int32_t slot = add_slot(out);
  out = out.with_slot(slot);
  nodes_.push_back({Kind::op, slot, {}, std::move(backward), root, nullptr});
}

std::size_t Tape::begin_block() {
  nodes_.push_back({Kind::begin_block, -1, {}, nullptr, false, nullptr});
  return slots_.size();
}

bool Tape::end_block(const Tensor& input, std::size_t begin) {
  if (nodes_.back().kind == Kind::begin_block && begin == slots_.size()) {
    nodes_.pop_back();
    return false;
  }
  nodes_.push_back(
      {Kind::end_block, static_cast<std::int32_t>(begin), input, nullptr, false, nullptr});
  return true;
}

void Tape::record_block(Tensor& out, const Tensor& input, Rerun rerun) {
  const std::int32_t slot = add_slot(out);
  out = out.with_slot(slot);
  nodes_.push_back({Kind::rerun, slot, input, nullptr, false, std::move(rerun)});
}

// A gradient of what lies before the block that backward is in would be released with the block:
// it gets memory of its own. (The block's input has its place already.)
void Tape::reserve(Context& ctx, std::int32_t index) {
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  if (slot.view.data) return;
  if (static_cast<std::size_t>(index) < floor_) slot.own = Tensor::zeros(slot.shape, slot.type);
  slot.view = slot.own ? slot.own.view() : ctx.make(slot.shape, slot.type).view();
}

void Tape::plant(Context& ctx, Grads& grads, const Seed& seed) {
  if (seed.at.slot() < 0)
    throw Error("backward was asked to set out from a tensor that depends on nothing watched");
  require_shape("seed of backward", seed.gradient, seed.at.shape());
  const View from = seed.gradient.view();
  ctx.rows(ctx.kernels().convert, ConvertArgs{from, grads[seed.at]}, from.rows(), from.columns());
}

void Tape::backward(Context& ctx, std::span<const Seed> seeds) {
  {
    const TapeAway away(ctx);
    Grads grads(ctx, this);
    floor_ = 0;
    from_roots_ = seeds.empty();
    for (const Seed& seed : seeds) plant(ctx, grads, seed);
    backward_from(ctx, grads, 0);
  }
  clear();
}

void Tape::backward_from(Context& ctx, Grads& grads, std::size_t first) {
  struct Block {
    Arena::Mark mark;
    std::size_t outer_floor;
  };
  std::vector<Block> blocks;
  while (nodes_.size() > first) {
    const Node node = std::move(nodes_.back());
    nodes_.pop_back();
    switch (node.kind) {
      case Kind::end_block:
        // The input's gradient outlives the block: it gets its memory before the mark.
        if (grads.wants(node.input)) reserve(ctx, node.input.slot());
        blocks.push_back({ctx.arena.mark(), floor_});
        floor_ = static_cast<std::size_t>(node.slot);
        break;
      case Kind::begin_block:
        ctx.arena.release(blocks.back().mark);
        floor_ = blocks.back().outer_floor;
        blocks.pop_back();
        break;
      case Kind::rerun:
        run_again(ctx, grads, node);
        break;
      case Kind::op: {
        const Slot& slot = slots_[static_cast<std::size_t>(node.slot)];
        if (slot.has)
          node.backward(ctx, Tensor(slot.view, nullptr), grads);
        else if (node.root && from_roots_)
          node.backward(ctx, Tensor(), grads);
        break;
      }
    }
  }
}

void Tape::run_again(Context& ctx, Grads& grads, const Node& node) {
  const Slot& out = slots_[static_cast<std::size_t>(node.slot)];
  if (!out.has) return;
  const View gradient = out.view;
  if (grads.wants(node.input)) reserve(ctx, node.input.slot());
  const Arena::Mark mark = ctx.arena.mark();
  const std::size_t first_node = nodes_.size(), first_slot = slots_.size();
  ctx.tape = this;
  const bool recompute = std::exchange(ctx.recompute, false);
  const Tensor again = node.run(ctx, node.input);
  ctx.recompute = recompute;
  ctx.tape = nullptr;
  Slot& slot = slots_[static_cast<std::size_t>(again.slot())];
  slot.view = gradient;
  slot.has = true;
  const std::size_t outer_floor = std::exchange(floor_, first_slot);
  backward_from(ctx, grads, first_node);
  floor_ = outer_floor;
  slots_.resize(first_slot);
  ctx.arena.release(mark);
}

void Tape::clear() {
  nodes_.clear();
  slots_.resize(watched_);
}

}  // namespace bantam::tensor
