#include "nn/block.h"

namespace bantam::nn {

Tensor block(Context& ctx, const Tensor& input, const BlockWeights& w, const BlockConfig& config,
             const Pass& pass) {
  Tensor x = input;
  observe(ctx, Point::layer_input, pass.layer, x);
  const Tensor n = norm(ctx, x, w.attention_norm, config.eps);
  Tensor to_attention = n;
  observe(ctx, Point::attention_input, pass.layer, to_attention);
  Tensor a = attention(ctx, to_attention, w.attention, config.attention, pass);
  observe(ctx, Point::attention_out, pass.layer, a);
  a = norm(ctx, a, w.attention_post_norm, config.eps);
  Tensor h = ops::add(ctx, x, ops::scale(ctx, a, config.residual_scale));
  observe(ctx, Point::middle, pass.layer, h);
  const bool side_by_side = w.attention_norm.gain && !w.feed_forward_norm.gain;
  Tensor f = side_by_side ? n : norm(ctx, h, w.feed_forward_norm, config.eps);
  observe(ctx, Point::feed_forward_input, pass.layer, f);
  Tensor y = feed_forward(ctx, f, w.feed_forward, config.activation, config.eps, pass.layer);
  observe(ctx, Point::feed_forward_out, pass.layer, y);
  y = norm(ctx, y, w.feed_forward_post_norm, config.eps);
  Tensor out = ops::add(ctx, h, ops::scale(ctx, y, config.residual_scale));
  observe(ctx, Point::residual, pass.layer, out);
  return out;
}

}  // namespace bantam::nn
