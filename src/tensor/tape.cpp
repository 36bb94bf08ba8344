#include "tensor/tape.h"

#include "base/error.h"
#include "tensor/context.h"

namespace bantam {

Into Grads::operator[](const Tensor& x) {
  Tape::Slot& slot = tape_->slots_[static_cast<std::size_t>(x.slot())];
  if (slot.parameter) return {slot.view, true};
  tape_->reserve(ctx_, x.slot());
  const bool add = slot.has;
  slot.has = true;
  return {slot.view, add};
}

Tensor Tape::watch(const Tensor& parameter, const Tensor& gradient) {
  require_shape("gradient", gradient, parameter.shape());
  Slot slot;
  slot.view = gradient.view();
  slot.has = slot.parameter = true;
  slots_.push_back(slot);
  watched_ = slots_.size();
  return parameter.with_slot(static_cast<std::int32_t>(slots_.size() - 1));
}

void Tape::record(Tensor& out, Backward backward, bool root) {
  Slot slot;
  slot.shape = out.shape();
  slot.type = out.type();
  slots_.push_back(slot);
  out = out.with_slot(static_cast<std::int32_t>(slots_.size() - 1));
  nodes_.push_back({Kind::op, out, {}, std::move(backward), {}, root});
}

void Tape::begin_block(const Tensor& input) {
  nodes_.push_back({Kind::begin_block, {}, input, {}, {}, false});
}

void Tape::end_block(const Tensor& input, Tensor& out, Rerun rerun) {
  if (!rerun) {
    nodes_.push_back({Kind::end_block, {}, input, {}, {}, false});
    return;
  }
  record(out, nullptr);
  nodes_.back().kind = Kind::recompute;
  nodes_.back().input = input;
  nodes_.back().rerun = std::move(rerun);
}

void Tape::reserve(Context& ctx, std::int32_t index) {
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  if (!slot.view.data) slot.view = ctx.make(slot.shape, slot.type).view();
}

void Tape::backward(Context& ctx) {
  Tape* const saved = ctx.tape;
  Grads grads(ctx, this);
  ctx.tape = nullptr;
  backward_from(ctx, grads, 0);
  ctx.tape = saved;
  clear();
}

void Tape::backward_from(Context& ctx, Grads& grads, std::size_t first) {
  std::vector<Arena::Mark> marks;
  while (nodes_.size() > first) {
    Node node = std::move(nodes_.back());
    nodes_.pop_back();
    switch (node.kind) {
      case Kind::end_block:
        // The input's gradient outlives the block: it gets its memory before the mark.
        if (grads.wants(node.input)) reserve(ctx, node.input.slot());
        marks.push_back(ctx.arena.mark());
        break;
      case Kind::begin_block:
        if (!marks.empty()) {
          ctx.arena.release(marks.back());
          marks.pop_back();
        }
        break;
      case Kind::recompute:
        recompute(ctx, grads, node);
        break;
      case Kind::op: {
        const Slot& slot = slots_[static_cast<std::size_t>(node.out.slot())];
        if (slot.has || node.root)
          node.backward(ctx, slot.has ? Tensor(slot.view, nullptr) : Tensor(), grads);
        break;
      }
    }
  }
}

void Tape::recompute(Context& ctx, Grads& grads, const Node& node) {
  const Slot out = slots_[static_cast<std::size_t>(node.out.slot())];
  if (!out.has) return;
  if (grads.wants(node.input)) reserve(ctx, node.input.slot());
  const Arena::Mark mark = ctx.arena.mark();
  const std::size_t first_node = nodes_.size(), first_slot = slots_.size();
  ctx.tape = this;
  const bool saved = ctx.recompute;
  ctx.recompute = false;
  const Tensor again = node.rerun(ctx, node.input);
  ctx.recompute = saved;
  ctx.tape = nullptr;
  Slot& slot = slots_[static_cast<std::size_t>(again.slot())];
  slot.view = out.view;
  slot.has = true;
  backward_from(ctx, grads, first_node);
  slots_.resize(first_slot);
  ctx.arena.release(mark);
}

void Tape::clear() {
  nodes_.clear();
  slots_.resize(watched_);
}

}  // namespace bantam
