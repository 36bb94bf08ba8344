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

std::vector<Tensor> linear_each(Context& ctx, const Tensor& x,
                                std::initializer_list<const Linear*> layers) {
  std::vector<Tensor> y;
  if (std::ranges::any_of(layers, [&](const Linear* l) { return as_one(ctx, *l); })) {
    for (const Linear* l : layers) y.push_back(linear(ctx, x, *l));
    return y;
  }
  std::vector<ops::Factor> factors;
  for (const Linear* l : layers) factors.push_back({l->w, l->bias});
  y = ops::matmul_each(ctx, x, factors);
  const auto is_adapted = [](const Linear* l) { return l->adapter != nullptr; };
  if (ctx.adapted_rows.empty() && std::ranges::none_of(layers, is_adapted)) return y;
  std::vector<LayerOutput> outputs;
  for (const Linear* l : layers) outputs.push_back({*l, y[outputs.size()]});
  add_adapters(ctx, x, outputs);
  return y;
}

namespace {

// q or k: normalised where the family does, turned by its positions.
Tensor heads(Context& ctx, Tensor x, const Tensor& norm, std::span<const Tensor> head_norms,
             const AttentionConfig& config, const Batch& batch, std::int64_t count) {
  if (norm) x = ops::rms_norm(ctx, x, norm, config.eps);
  if (!head_norms.empty()) x = ops::layer_norm(ctx, x, head_norms, {}, config.eps);
  if (config.rope.frequencies) x = ops::rope(ctx, x, config.rope, batch.positions, count);
  return x;
}

// The heads over the batch's own keys and values. The weights are made apart for an observer that
// asks for them; what it leaves as it was does not change how the sum is made.
Tensor heads_of_batch(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                      const ops::AttentionShape& s, const Pass& pass) {
  if (ctx.observer && ctx.observer->wants_attention_weights(pass.layer)) {
    const Tensor made = ops::attention_weights(ctx, q, k, s, pass.seen);
    Tensor weights = made;
    observe(ctx, Point::attention_weights, pass.layer, weights);
    if (weights.view().data != made.view().data || weights.slot() != made.slot())
      return ops::attend(ctx, weights, v, s);
  }
  return ops::attention(ctx, q, k, v, s, pass.seen);
}

}  // namespace

Tensor attention(Context& ctx, const Tensor& h, const AttentionWeights& w,
                 const AttentionConfig& config, const Pass& pass) {
  const ops::AttentionShape& s = config.shape;
  const int layer = pass.layer;
  const std::vector<Tensor> projected = linear_each(ctx, h, {&w.q, &w.k, &w.v});
  Tensor q = heads(ctx, projected[0], w.q_norm, w.q_head_norms, config, pass.batch, s.heads);
  observe(ctx, Point::query, layer, q);
  Tensor k = heads(ctx, projected[1], w.k_norm, w.k_head_norms, config, pass.batch, s.kv_heads);
  observe(ctx, Point::key, layer, k);
  Tensor v = projected[2];
  observe(ctx, Point::value, layer, v);
  if (pass.cache) pass.cache->append(ctx, layer, pass.batch, k, v);
  Tensor y = pass.cache ? ops::attention(ctx, q, pass.cache->view(layer), s, *pass.seen)
                        : heads_of_batch(ctx, q, k, v, s, pass);
  observe(ctx, Point::heads, layer, y);
  if (w.out_norm) y = ops::rms_norm(ctx, y, w.out_norm, config.eps);
  return linear(ctx, y, w.out);
}

Tensor norm(Context& ctx, const Tensor& x, const Norm& n, float eps) {
  if (!n.gain) return x;
  if (n.bias) return ops::layer_norm(ctx, x, {&n.gain, 1}, n.bias, eps);
  return ops::rms_norm(ctx, x, n.gain, eps);
}

namespace {

Tensor hidden(Context& ctx, const Tensor& h, const FeedForwardWeights& w, Activation activation) {
  if (!w.gate.w) return ops::activate(ctx, activation, linear(ctx, h, w.up));
  const std::vector<Tensor> both = linear_each(ctx, h, {&w.gate, &w.up});
  return ops::glu(ctx, activation, both[0], both[1]);
}

}  // namespace

Tensor feed_forward(Context& ctx, const Tensor& h, const FeedForwardWeights& w,
                    Activation activation, float eps, int layer) {
  Tensor y = hidden(ctx, h, w, activation);
  observe(ctx, Point::feed_forward_hidden, layer, y);
  if (w.inner_norm) y = ops::rms_norm(ctx, y, w.inner_norm, eps);
  return linear(ctx, y, w.down);
}

Tensor head(Context& ctx, const Tensor& h, const Linear& w, const Batch& batch, float cap) {
  if (!batch.targets.empty())
    return ops::cross_entropy(ctx, h, w.w, batch.targets, batch.weights, cap, w.bias, batch.soft);
  Tensor logits = ops::softcap(ctx, linear(ctx, h, w), cap);
  observe(ctx, Point::logits, 0, logits);
  return logits;
}

}  // namespace bantam::nn
