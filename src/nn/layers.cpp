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
             const AttentionConfig& config, const Batch& batch, std::int64_t count) {
  Tensor x = linear(ctx, h, w);
  if (norm) x = ops::rms_norm(ctx, x, norm, config.eps);
  if (config.rope.frequencies) x = ops::rope(ctx, x, config.rope, batch.positions, count);
  return x;
}

}  // namespace

Tensor attention(Context& ctx, const Tensor& h, const AttentionWeights& w,
                 const AttentionConfig& config, const Batch& batch, Cache* cache, int layer,
                 const std::shared_ptr<const ops::AttentionRows>& seen) {
  const ops::AttentionShape& s = config.shape;
  const Tensor q = heads(ctx, h, w.q, w.q_norm, config, batch, s.heads);
  const Tensor k = heads(ctx, h, w.k, w.k_norm, config, batch, s.kv_heads);
  const Tensor v = linear(ctx, h, w.v);
  if (!cache) return linear(ctx, ops::attention(ctx, q, k, v, s, seen), w.out);
  cache->append(ctx, layer, batch, k, v);
  return linear(ctx, ops::attention(ctx, q, cache->view(layer), s, *seen), w.out);
}

Tensor feed_forward(Context& ctx, const Tensor& h, const FeedForwardWeights& w,
                    Activation activation) {
  const Tensor gate = linear(ctx, h, w.gate);
  const Tensor up = linear(ctx, h, w.up);
  return linear(ctx, ops::glu(ctx, activation, gate, up), w.down);
}

Tensor head(Context& ctx, const Tensor& h, const Tensor& w, const Batch& batch, float cap) {
  if (!batch.targets.empty())
    return ops::cross_entropy(ctx, h, w, batch.targets, batch.weights, cap);
  return ops::softcap(ctx, ops::matmul(ctx, h, w), cap);
}

}  // namespace bantam::nn
