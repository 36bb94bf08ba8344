// Parts that families share: what their papers draw as boxes.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "base/rooms.h"
#include "nn/batch.h"
#include "nn/cache.h"
#include "nn/observer.h"
#include "ops/ops.h"

namespace bantam::nn {

// What an adapter adds to a linear layer (Hu et al. 2021, "LoRA"): scale * b (a x), with a [R,K] and
// b [N,R]. With magnitudes (Liu et al. 2024, "DoRA") each output is then scaled by magnitude[n] *
// inverse[n], inverse being 1 over the length of row n of w + scale b a; the bias stays outside.
struct LowRank {
  Weight a, b;
  Tensor magnitude, inverse;  // [N], or none
  float scale = 1;
};

// y = x w^T + bias; w [N,K], bias [N] or none.
struct Linear {
  Weight w;
  Tensor bias;
  std::shared_ptr<LowRank> adapter = nullptr;  // of all rows; none: the layer as it is
  // Of the rows that choose one (Context::adapted_rows), by its number; null: it leaves the layer as
  // it is.
  std::vector<std::shared_ptr<LowRank>> choices = {};
};
Tensor adapted(Context& ctx, const Tensor& x, const Linear& l);
// Adds to y, which the layers' own weights made of x, what adapters add: to all rows, or to those that
// chose one. The bytes that `adapted` gives, with less work for the pool. Not with a tape.
struct LayerOutput {
  const Linear& l;
  Tensor y;
};
void add_adapters(Context& ctx, const Tensor& x, std::span<const LayerOutput> outputs);
// Whether it must be `adapted`: backward wants it as one op, magnitudes leave the bias outside.
inline bool as_one(const Context& ctx, const Linear& l) {
  return l.adapter && (ctx.tape || l.adapter->magnitude);
}
inline Tensor linear(Context& ctx, const Tensor& x, const Linear& l) {
  if (as_one(ctx, l)) return adapted(ctx, x, l);
  const Tensor y = ops::matmul(ctx, x, l.w, l.bias);
  const LayerOutput output{l, y};
  if (l.adapter || !ctx.adapted_rows.empty()) add_adapters(ctx, x, {&output, 1});
  return y;
}

// What each layer makes of x, in order, as one piece of work where it can be.
std::vector<Tensor> linear_each(Context& ctx, const Tensor& x,
                                std::initializer_list<const Linear*> layers);

struct AttentionWeights {
  Linear q, k, v, out;
  // RMSNorm of q and k before they turn, or none: of the width of a head (each head by itself) or
  // of all heads together.
  Tensor q_norm, k_norm;
  // LayerNorm of each head of q and k in the same place: a gain for each, or none.
  std::vector<Tensor> q_head_norms, k_head_norms;
  Tensor out_norm;  // RMSNorm of what the heads give, before `out`, or none
};
struct AttentionConfig {
  ops::AttentionShape shape;
  ops::Rope rope;  // without frequencies: no rotary positions
  float eps = 0;   // of q_norm and k_norm
};

// Who sees whom in this batch: its own documents, or with a cache all earlier positions of the
// slot; with a window (0: none) itself and window - 1 before it. Made once for all layers of a
// kind.
std::shared_ptr<const ops::AttentionRows> attention_rows(const Batch& batch, const Cache* cache,
                                                         int layer, std::int64_t window);

// What a layer knows of the pass that it is part of. It may run again in backward, when the call of
// forward is over: the batch outlives the tape, the rest is kept by value.
struct Pass {
  const Batch& batch;
  Cache* cache;  // or null
  int layer;
  std::shared_ptr<const ops::AttentionRows> seen;
};

// Self-attention of already normalised rows h [T,D], with rotary positions and the cache, if any.
Tensor attention(Context& ctx, const Tensor& h, const AttentionWeights& w,
                 const AttentionConfig& config, const Pass& pass);

// RMSNorm, or with a bias [D] LayerNorm; without a gain nothing.
struct Norm {
  Tensor gain, bias;
};
Tensor norm(Context& ctx, const Tensor& x, const Norm& n, float eps);

struct FeedForwardWeights {
  Linear gate, up, down;
  Tensor inner_norm;  // RMSNorm of what `down` takes, or none
};
// down(act(gate(h)) * up(h)), or without a gate down(act(up(h))). `eps`: of the inner norm;
// `layer`: whose it is, for observers.
Tensor feed_forward(Context& ctx, const Tensor& h, const FeedForwardWeights& w,
                    Activation activation, float eps, int layer);

// The end of every model: logits [wanted, V] of the normalised rows h, or the losses [T] when the
// batch has targets. Where `cap` is positive the logits stay within +-cap (ops::softcap).
Tensor head(Context& ctx, const Tensor& h, const Linear& w, const Batch& batch, float cap = 0);

}  // namespace bantam::nn
