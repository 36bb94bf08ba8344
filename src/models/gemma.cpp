// Gemma (Gemma Team 2024, arXiv:2403.08295): embeddings times sqrt(width), pre-norm blocks, GeGLU
// in the tanh form, RMSNorm by 1 + weight. Semantics after transformers,
// src/transformers/models/gemma/modeling_gemma.py.
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::gemma {

namespace {

constexpr std::string_view kTypes[] = {"gemma"};
constexpr Storage kStorage{.less_one = true};

struct Layer {
  Tensor attention_norm, feed_forward_norm;
  nn::AttentionWeights attention;
  nn::FeedForwardWeights feed_forward;
};

class Gemma : public Decoder {
 public:
  explicit Gemma(const Config& config)
      : Decoder(config, kStorage), layers_(static_cast<std::size_t>(config.layers)) {}

 private:
  Tensor block(Context& c, const Tensor& x, const Pass& pass) const override {
    const Layer& w = layers_[static_cast<std::size_t>(pass.layer)];
    const Tensor h = ops::add(c, x, attend(c, norm(c, x, w.attention_norm), w.attention, pass));
    const Tensor f = norm(c, h, w.feed_forward_norm);
    return ops::add(c, h, nn::feed_forward(c, f, w.feed_forward, Activation::gelu_tanh));
  }

  void list_block(int l, WeightList& list) override {
    Layer& w = layers_[static_cast<std::size_t>(l)];
    const LayerConfig layer = config_.layer(l);
    list.gain("attn_norm", "input_layernorm", config_.width, w.attention_norm);
    list.attention(w.attention, layer);
    list.gain("ffn_norm", "post_attention_layernorm", config_.width, w.feed_forward_norm);
    list.gated(w.feed_forward, layer);
  }

  std::vector<Layer> layers_;
};

Config finished(Config c) {
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  return c;
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "gemma");
  Config c = keys.common();
  keys.find_biases(c);
  return finished(c);
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole = with_defaults(json, {{"head_dim", 256}, {"tie_word_embeddings", true}});
  const HfKeys keys(whole, file);
  Config c = keys.common("gemma");
  keys.expect_gelu_tanh();
  keys.expect_flag("use_bidirectional_attention", false);
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  return finished(c);
}

void to_gguf(const Config& c, GgufWriter& writer) { write_common_keys(c, writer); }

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"GemmaForCausalLM"};
  j["model_type"] = "gemma";
  j["hidden_act"] = j["hidden_activation"] = "gelu_pytorch_tanh";
  j["attention_bias"] = c.attention_bias;
  return j;
}

}  // namespace

Family family() {
  return {"gemma",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> { return std::make_unique<Gemma>(c); }};
}

}  // namespace bantam::gemma
