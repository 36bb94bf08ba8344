#include "models/decoder.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam::models {

void list_llama_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  list.gain("attn_norm", "input_layernorm", c.width, w.attention_norm.gain);
  list.attention(w.attention, c.layer(l));
  list.gain("ffn_norm", "post_attention_layernorm", c.width, w.feed_forward_norm.gain);
  list.gated(w.feed_forward, c.layer(l));
}

namespace {

// Behind the last learned position there is something else in memory.
void require_learned(std::span<const std::int32_t> positions, std::int64_t learned) {
  for (const std::int32_t p : positions)
    if (p < 0 || p >= learned)
      throw Error("a text of more than " + std::to_string(learned) + " tokens: this model has learned so many positions and can go no further");
}

}  // namespace

DecoderModel::DecoderModel(const Config& config, const Storage& storage, ListBlock list_block,
                           Activation activation)
    : Model(config),
      storage_(storage),
      list_block_(list_block),
      blocks_(static_cast<std::size_t>(config.layers)) {
  if (config.learned_positions && config.run_context > config.context)
    throw Error("this model has learned " + std::to_string(config.context) +
                " positions and can go no further; ask for a context up to that");
  const double usual = 1 / std::sqrt(static_cast<double>(config.head_dim));
  const auto scale =
      static_cast<float>(config.attention_scale > 0 ? config.attention_scale : usual);
  const ops::Rope rope = rope_of(config);
  const ops::Rope local = config.rope_local_base > 0 ? local_rope_of(config) : rope;
  for (std::int64_t l = 0; l < config.layers; ++l) {
    const LayerConfig layer = config.layer(l);
    nn::AttentionConfig a;
    a.shape = {layer.heads, layer.kv_heads, config.head_dim, scale,
               static_cast<float>(config.attention_cap)};
    if (layer.rotary) a.rope = layer.window > 0 ? local : rope;
    a.eps = static_cast<float>(config.eps);
    configs_.push_back({a, activation, a.eps, static_cast<float>(config.residual_scale)});
  }
}

// Layers of one kind see the same rows.
std::vector<nn::Pass> DecoderModel::passes(const Batch& batch, Cache* cache) const {
  std::vector<nn::Pass> all;
  for (int l = 0; l < config_.layers; ++l) {
    const LayerConfig layer = config_.layer(l);
    nn::Pass pass{batch, cache, l, nullptr};
    for (const nn::Pass& before : all) {
      const LayerConfig other = config_.layer(before.layer);
      if (other.window == layer.window && other.kv_heads == layer.kv_heads) {
        pass.seen = before.seen;
        break;
      }
    }
    if (!pass.seen) pass.seen = nn::attention_rows(batch, cache, l, layer.window);
    all.push_back(std::move(pass));
  }
  return all;
}

Tensor DecoderModel::forward(Context& ctx, const Batch& batch, Cache* cache) const {
  if (cache) cache->make_room(batch);
  Tensor x = ops::scale(ctx, ops::embed(ctx, embedding_, batch.tokens),
                        static_cast<float>(config_.embedding_scale));
  nn::observe(ctx, nn::Point::embedding, 0, x);
  if (config_.learned_positions) require_learned(batch.positions, config_.context);
  if (config_.learned_positions) x = ops::add(ctx, x, ops::embed(ctx, positions_, batch.positions));
  for (const nn::Pass& pass : passes(batch, cache)) {
    const Arena::Mark begin = ctx.arena.mark();
    Tensor y = ctx.block(pass.layer, x, [this, pass](Context& c, const Tensor& input) {
      const auto l = static_cast<std::size_t>(pass.layer);
      return nn::block(c, input, blocks_[l], configs_[l], pass);
    });
    if (ctx.tape || ctx.observer || y.view().data == x.view().data || y.type() != x.type()) {
      x = std::move(y);
      continue;
    }
    // Nobody looks back: the output takes the place of the input, or a deep model would keep one
    // for each layer.
    if (!ctx.arena.counting())
      std::memcpy(x.view().data, y.view().data,
                  static_cast<std::size_t>(byte_size(y.type(), y.shape())));
    ctx.arena.release(begin);
  }
  if (batch.targets.empty() || !batch.wanted.empty()) x = ops::rows(ctx, x, batch.wanted);
  return read_out(ctx, x, batch);
}

Tensor DecoderModel::read_out(Context& ctx, const Tensor& x, const Batch& batch) const {
  Tensor last = nn::norm(ctx, x, norm_, static_cast<float>(config_.eps));
  nn::observe(ctx, nn::Point::final_norm, 0, last);
  // Logits divided by a number are those of rows divided by it.
  const Tensor h = ops::scale(ctx, last, 1 / static_cast<float>(config_.logit_scale));
  // The loader prepares a tied head apart from the embedding, for its own arithmetic.
  return nn::head(ctx, h, head_, batch, static_cast<float>(config_.logit_cap));
}

std::vector<WeightSpec> DecoderModel::weights() {
  const Config& c = config_;
  WeightList list(c, storage_);
  list.table("token_embd", storage_.embedding, {c.vocabulary, c.width}, Role::embedding,
             embedding_);
  if (c.learned_positions)
    list.table("position_embd", storage_.positions, {c.context, c.width}, Role::positions,
               positions_);
  for (int l = 0; l < c.layers; ++l) {
    const std::string number = std::to_string(l) + ".";
    list.enter("blk." + number, storage_.layers + number);
    list_block_(c, l, list, blocks_[static_cast<std::size_t>(l)]);
  }
  list.enter("", "");
  if (c.layer_norm)
    list.norm("output_norm", storage_.norm, c.width, norm_);
  else
    list.gain("output_norm", storage_.norm, c.width, norm_.gain);
  // A tied head is listed too: it is the embedding under its second use (loader.cpp, trainer).
  list.matrix(c.tied ? "token_embd" : "output", c.tied ? storage_.embedding : storage_.head,
              {c.vocabulary, c.width}, Role::head, head_.w);
  if (c.head_bias) list.bias("output", storage_.head, c.vocabulary, head_.bias);
  return list.take();
}

CacheShape DecoderModel::cache_shape(std::int64_t slots, std::int64_t context, Type type) const {
  CacheShape shape;
  for (std::int64_t l = 0; l < config_.layers; ++l)
    shape.layers.push_back({config_.layer(l).kv_heads, config_.head_dim, config_.layer(l).window});
  shape.slots = slots;
  shape.context = context;
  shape.type = type;
  return shape;
}

}  // namespace bantam::models
