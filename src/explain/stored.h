// Keys and values as a cache of some type gives them back, in a pass that keeps none.
#pragma once

#include "base/rooms.h"
#include "nn/observer.h"

namespace bantam::explain {

// Rounds them to `type`, after what another observer (or null) makes of them. Slopes go through the
// rounding as if it were none.
class Stored : public nn::Observer {
 public:
  Stored(Type type, nn::Observer* other) : type_(type), other_(other) {}

  bool wants_attention_weights(int layer) override {
    return other_ && other_->wants_attention_weights(layer);
  }
  Tensor see(Context& ctx, nn::Point point, int layer, const Tensor& value) override;

 private:
  Tensor rounded(Context& ctx, const Tensor& x) const;

  Type type_;
  nn::Observer* other_;
};

}  // namespace bantam::explain
