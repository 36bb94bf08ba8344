#include "nn/layers.h"

#include <algorithm>

namespace bantam::nn {

std::shared_ptr<const ops::AttentionRows> attention_rows(const Batch& batch, const Cache* cache,
                                                         int layer, std::int64_t window) {
  auto seen = std::make_shared<ops::AttentionRows>();
  seen->window = window;
  const std::int64_t rows = batch.rows();
  seen->first.reserve(static_cast<std::size_t>(rows));
  seen->count.reserve(static_cast<std::size_t>(rows));
  std::int64_t start = 0;  // of the row's document
  for (std::int64_t t = 0; t < rows; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (t == 0 || batch.sequences[i] != batch.sequences[i - 1]) {
      start = t;
      seen->documents.push_back(static_cast<std::int32_t>(t));
    }
    const std::int64_t position = cache ? batch.positions[i] : t - start;
    const std::int64_t count = window > 0 ? std::min(window, position + 1) : position + 1;
    const std::int64_t base = cache ? cache->row(layer, batch.sequences[i], 0) : start;
    seen->first.push_back(static_cast<std::int32_t>(base + position + 1 - count));
    seen->count.push_back(static_cast<std::int32_t>(count));
  }
  seen->documents.push_back(static_cast<std::int32_t>(rows));
  return seen;
}

namespace {

// q or k: projected, normalised where the family does, turned by its positions.
Tensor heads(Context& ctx, const Tensor& h, const Linear& w, const Tensor& norm,
             std::span<const Tensor> head_norms, const AttentionConfig& config, const Batch& batch,
             std::int64_t count) {
  Tensor x = linear(ctx, h, w);
  if (norm) x = ops::rms_norm(ctx, x, norm, config.eps);
  if (!head_norms.empty()) x = ops::layer_norm(ctx, x, head_norms, {}, config.eps);
  if (config.rope.frequencies) x = ops::rope(ctx, x, config.rope, batch.positions, count);
  return x;
}

}  // namespace

Tensor attention(Context& ctx, const Tensor& h, const AttentionWeights& w,
                 const AttentionConfig& config, const Batch& batch, Cache* cache, int layer,
                 const std::shared_ptr<const ops::AttentionRows>& seen) {
  const ops::AttentionShape& s = config.shape;
  const Tensor q = heads(ctx, h, w.q, w.q_norm, w.q_head_norms, config, batch, s.heads);
  const Tensor k = heads(ctx, h, w.k, w.k_norm, w.k_head_norms, config, batch, s.kv_heads);
  const Tensor v = linear(ctx, h, w.v);
  if (cache) cache->append(ctx, layer, batch, k, v);
  Tensor y = cache ? ops::attention(ctx, q, cache->view(layer), s, *seen)
                   : ops::attention(ctx, q, k, v, s, seen);
  if (w.out_norm) y = ops::rms_norm(ctx, y, w.out_norm, config.eps);
  return linear(ctx, y, w.out);
}

Tensor feed_forward(Context& ctx, const Tensor& h, const FeedForwardWeights& w,
                    Activation activation) {
  if (!w.gate.w) return linear(ctx, ops::activate(ctx, activation, linear(ctx, h, w.up)), w.down);
  const Tensor gate = linear(ctx, h, w.gate);
  const Tensor up = linear(ctx, h, w.up);
  return linear(ctx, ops::glu(ctx, activation, gate, up), w.down);
}

Tensor head(Context& ctx, const Tensor& h, const Linear& w, const Batch& batch, float cap) {
  if (!batch.targets.empty())
    return ops::cross_entropy(ctx, h, w.w, batch.targets, batch.weights, cap, w.bias);
  return ops::softcap(ctx, linear(ctx, h, w), cap);
}

}  // namespace bantam::nn
