// One layer of a decoder: the residual stream through attention and a feed-forward block. Which
// norms there are, and so how the two are joined, is a matter of the weights:
//   h = x + post_norm(attention(norm(x))),  y = h + post_norm(feed_forward(norm(h)))
// where a norm that is missing changes nothing, but for the second one: where there is only a
// first, the feed-forward block reads what attention reads, side by side with it.
#pragma once

#include "base/rooms.h"
#include "nn/layers.h"

namespace bantam::nn {

struct BlockWeights {
  Norm attention_norm, attention_post_norm, feed_forward_norm, feed_forward_post_norm;
  AttentionWeights attention;
  FeedForwardWeights feed_forward;
};
struct BlockConfig {
  AttentionConfig attention;
  Activation activation;
  float eps;                 // of the norms
  float residual_scale = 1;  // of both outputs, before they are added
};

// x [T,D] -> [T,D]: layer pass.layer.
Tensor block(Context& ctx, const Tensor& x, const BlockWeights& w, const BlockConfig& config,
             const Pass& pass);

}  // namespace bantam::nn
