// Somebody who looks on at a forward pass, and may change it.
#pragma once

#include "base/rooms.h"
#include "nn/point.h"
#include "tensor/context.h"

namespace bantam::nn {

class Observer {
 public:
  virtual ~Observer() = default;
  // Whether the attention weights of this layer are asked for: they take H*T numbers for each row.
  virtual bool wants_attention_weights(int /*layer*/) { return false; }
  // Called once for each point (layer 0 where it is not a layer's). What it returns goes on in the
  // place of `value`: value itself, one with a gradient that the tape keeps, or another tensor of
  // that shape and type. The numbers of `value` stay as they are, and are valid during the call
  // alone. A pass that is observed keeps its activations where it would run blocks again.
  virtual Tensor see(Context& ctx, Point point, int layer, const Tensor& value) = 0;
};

// Throws Error when what the observer returns is of another shape or type.
void let_see(Context& ctx, Point point, int layer, Tensor& value);
inline void observe(Context& ctx, Point point, int layer, Tensor& value) {
  if (ctx.observer) [[unlikely]]
    let_see(ctx, point, layer, value);
}

}  // namespace bantam::nn
