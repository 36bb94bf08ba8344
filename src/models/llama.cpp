// Llama (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Llama 3: 2407.21783), and what
// shares its shape: TinyLlama, SmolLM2, Mistral with its window. Pre-norm blocks: RMSNorm, rotary
// attention with grouped heads, SwiGLU. Semantics after transformers,
// src/transformers/models/llama/ modeling_llama.py; GGUF names after llama.cpp, src/llama-arch.cpp.
#include "models/llama.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "models/keys.h"

namespace bantam {

namespace {

struct Layer {
  Tensor attention_norm, feed_forward_norm;
  nn::AttentionWeights attention;
  nn::FeedForwardWeights feed_forward;
};

class Llama : public Model {
 public:
  explicit Llama(const Config& config)
      : Model(config), layers_(static_cast<std::size_t>(config.layers)) {
    attention_.shape = {config.heads, config.kv_heads, config.head_dim,
                        static_cast<float>(1 / std::sqrt(static_cast<double>(config.head_dim))), 0};
    attention_.rope.frequencies = rope_frequencies(config);
  }

  Tensor forward(Context& ctx, const Batch& batch, Cache* cache) const override {
    const auto eps = static_cast<float>(config_.eps);
    const auto seen = nn::attention_rows(batch, cache, 0, config_.window);
    Tensor x = ops::embed(ctx, embedding_, batch.tokens);
    // A block may run again in backward, when this call is over: it keeps what it needs by value.
    // The batch outlives the tape.
    for (int l = 0; l < config_.layers; ++l)
      x = ctx.block(l, x, [this, &batch, cache, l, seen, eps](Context& c, const Tensor& input) {
        const Layer& w = layers_[static_cast<std::size_t>(l)];
        const Tensor a = ops::rms_norm(c, input, w.attention_norm, eps);
        const Tensor h =
            ops::add(c, input, nn::attention(c, a, w.attention, attention_, batch, cache, l, seen));
        const Tensor f = ops::rms_norm(c, h, w.feed_forward_norm, eps);
        const Tensor y = ops::add(c, h, nn::feed_forward(c, f, w.feed_forward, Activation::silu));
        return c.observe("block_out", l, y);
      });
    if (batch.targets.empty()) x = ops::rows(ctx, x, batch.wanted);
    return nn::head(ctx, ops::rms_norm(ctx, x, norm_, eps), config_.tied ? tied_head() : head_,
                    batch);
  }

  std::vector<Weight> weights() override;

  CacheShape cache_shape(std::int64_t slots, std::int64_t context, Type type) const override {
    return {std::vector<CacheShape::Layer>(layers_.size(), {config_.kv_heads, config_.head_dim}),
            slots, context, type};
  }

 private:
  // The loader prepares the head apart from the embedding, for its own arithmetic.
  const Tensor& tied_head() const { return head_ ? head_ : embedding_; }

  Tensor embedding_, norm_, head_;
  std::vector<Layer> layers_;
  nn::AttentionConfig attention_;
};

std::vector<Weight> Llama::weights() {
  const Config& c = config_;
  const std::int64_t d = c.width, q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  std::vector<Weight> all;
  all.push_back({"token_embd.weight",
                 "model.embed_tokens.weight",
                 {c.vocabulary, d},
                 Role::embedding,
                 &embedding_});
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Layer& w = layers_[l];
    const std::string g = "blk." + std::to_string(l) + ".",
                      h = "model.layers." + std::to_string(l) + ".";
    const auto linear = [&](const char* gguf, const char* hf, Shape shape, nn::Linear& to,
                            bool bias, std::int64_t rotary = 0, bool residual = false) {
      all.push_back(
          {g + gguf + ".weight", h + hf + ".weight", shape, Role::linear, &to.w, rotary, residual});
      if (bias)
        all.push_back({g + gguf + ".bias",
                       h + hf + ".bias",
                       {shape[0]},
                       Role::bias,
                       &to.bias,
                       rotary,
                       false});
    };
    all.push_back(
        {g + "attn_norm.weight", h + "input_layernorm.weight", {d}, Role::gain, &w.attention_norm});
    linear("attn_q", "self_attn.q_proj", {q, d}, w.attention.q, c.attention_bias, c.heads);
    linear("attn_k", "self_attn.k_proj", {kv, d}, w.attention.k, c.attention_bias, c.kv_heads);
    linear("attn_v", "self_attn.v_proj", {kv, d}, w.attention.v, c.attention_bias);
    linear("attn_output", "self_attn.o_proj", {d, q}, w.attention.out, c.output_bias, 0, true);
    all.push_back({g + "ffn_norm.weight",
                   h + "post_attention_layernorm.weight",
                   {d},
                   Role::gain,
                   &w.feed_forward_norm});
    linear("ffn_gate", "mlp.gate_proj", {c.feed_forward, d}, w.feed_forward.gate,
           c.feed_forward_bias);
    linear("ffn_up", "mlp.up_proj", {c.feed_forward, d}, w.feed_forward.up, c.feed_forward_bias);
    linear("ffn_down", "mlp.down_proj", {d, c.feed_forward}, w.feed_forward.down,
           c.feed_forward_bias, 0, true);
  }
  all.push_back({"output_norm.weight", "model.norm.weight", {d}, Role::gain, &norm_});
  // A tied head is listed too: it is the embedding under its second use (see loader.cpp, trainer).
  all.push_back({c.tied ? "token_embd.weight" : "output.weight",
                 c.tied ? "model.embed_tokens.weight" : "lm_head.weight",
                 {c.vocabulary, d},
                 Role::head,
                 &head_});
  return all;
}

}  // namespace

std::unique_ptr<Model> make_llama(const Config& config) { return std::make_unique<Llama>(config); }

Config llama_from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "llama");
  Config c = keys.common();
  c.attention_bias = file.find("blk.0.attn_q.bias") != nullptr;
  c.output_bias = file.find("blk.0.attn_output.bias") != nullptr;
  c.feed_forward_bias = file.find("blk.0.ffn_gate.bias") != nullptr;
  c.window = static_cast<std::int64_t>(keys.number("attention.sliding_window", 0));
  return c;
}

Config llama_from_hf(const Json& json, const std::string& file) {
  const HfKeys keys(json, file);
  Config c = keys.common("llama");
  keys.expect("hidden_act", "silu");
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  c.feed_forward_bias = keys.flag("mlp_bias", false);
  if (keys.text("model_type", "llama") == "mistral") c.window = keys.integer("sliding_window", 0);
  return c;
}

void llama_to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  const std::string arch = c.family + ".";
  writer.set(arch + "rope.dimension_count", static_cast<std::uint32_t>(c.head_dim));
  if (c.window > 0)
    writer.set(arch + "attention.sliding_window", static_cast<std::uint32_t>(c.window));
}

Json llama_to_hf(const Config& c) {
  Json j = common_to_hf(c);
  const bool mistral = c.window > 0;
  j["architectures"] = {mistral ? "MistralForCausalLM" : "LlamaForCausalLM"};
  j["model_type"] = mistral ? "mistral" : "llama";
  if (mistral) j["sliding_window"] = c.window;
  j["attention_bias"] = c.attention_bias;
  j["mlp_bias"] = c.feed_forward_bias;
  return j;
}

}  // namespace bantam
