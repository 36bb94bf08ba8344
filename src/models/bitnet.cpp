// BitNet b1.58 (Ma et al. 2024, arXiv:2402.17764; 2B-4T: arXiv:2504.12285): Llama's blocks with one
// more RMSNorm before each output projection, and linear weights of three values times a scale.
// GGUF knows it under three names; the one called "bitnet" gates by SiLU, the others by squared
// ReLU. Activations are not rounded to 8 bits here as the makers' code does. Semantics after
// transformers, src/transformers/models/bitnet/modeling_bitnet.py; GGUF names after llama.cpp,
// src/models/bitnet.cpp.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::bitnet {

namespace {

constexpr std::string_view kTypes[] = {"bitnet"};
constexpr std::string_view kSilu = "bitnet", kRelu2 = "bitnet-b1.58", kOther = "bitnet-25";
constexpr Storage kStorage{};

struct Layer {
  Tensor attention_norm, feed_forward_norm, feed_forward_sub_norm;
  nn::AttentionWeights attention;
  nn::FeedForwardWeights feed_forward;
};

class BitNet : public Decoder {
 public:
  explicit BitNet(const Config& config)
      : Decoder(config, kStorage), layers_(static_cast<std::size_t>(config.layers)) {}

 private:
  Tensor block(Context& c, const Tensor& x, const Pass& pass) const override {
    const Layer& w = layers_[static_cast<std::size_t>(pass.layer)];
    const Tensor h = ops::add(c, x, attend(c, norm(c, x, w.attention_norm), w.attention, pass));
    const Tensor f = norm(c, h, w.feed_forward_norm);
    const Tensor gate = nn::linear(c, f, w.feed_forward.gate);
    const Tensor up = nn::linear(c, f, w.feed_forward.up);
    const Tensor gated = ops::glu(c, config_.activation, gate, up);
    const Tensor y = nn::linear(c, norm(c, gated, w.feed_forward_sub_norm), w.feed_forward.down);
    return ops::add(c, h, y);
  }

  void list_block(int l, WeightList& list) override {
    Layer& w = layers_[static_cast<std::size_t>(l)];
    const LayerConfig layer = config_.layer(l);
    const std::int64_t d = config_.width, heads = layer.heads * config_.head_dim;
    list.gain("attn_norm", "input_layernorm", d, w.attention_norm);
    list.gain("attn_sub_norm", "self_attn.attn_sub_norm", heads, w.attention.out_norm);
    list.attention(w.attention, layer);
    list.gain("ffn_norm", "post_attention_layernorm", d, w.feed_forward_norm);
    list.gain("ffn_sub_norm", "mlp.ffn_sub_norm", layer.feed_forward, w.feed_forward_sub_norm);
    list.gated(w.feed_forward, layer);
  }

  std::vector<Layer> layers_;
};

Config from_gguf(const GgufFile& file) {
  const std::string name(file.metadata().need_string("general.architecture"));
  Config c = GgufKeys(file, name).common();
  c.activation = name == kSilu ? Activation::silu : Activation::relu2;
  return c;
}

// How the weights are packed, if they are (transformers, src/transformers/utils/
// quantization_config.py, BitNetQuantConfig).
Ternary ternary_from(const HfKeys& keys) {
  const Json* object = keys.object("quantization_config");
  if (!object) return Ternary::none;
  const HfKeys packed(*object, keys.file());
  packed.expect("quant_method", "bitnet");
  packed.expect("quantization_mode", "offline");
  packed.expect_flag("use_rms_norm", false);
  const std::string kind = packed.text("linear_class", "bitlinear");
  if (kind == "autobitlinear") return Ternary::multiplied;
  packed.expect("linear_class", "bitlinear");
  return Ternary::divided;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json given = with_defaults(json, {{"rms_norm_eps", 1e-5}});
  const HfKeys keys(given, file);
  Config c = keys.common("bitnet");
  c.activation = keys.activation("hidden_act", "relu2");
  if (c.activation != Activation::silu) keys.expect("hidden_act", "relu2");
  c.family = c.activation == Activation::silu ? kSilu : kRelu2;
  c.ternary = ternary_from(keys);
  keys.expect_flag("attention_bias", false);
  return c;
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"BitNetForCausalLM"};
  j["model_type"] = "bitnet";
  return j;
}

Family row(std::string_view name) {
  return {name,
          kTypes,
          from_gguf,
          from_hf,
          write_common_keys,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> { return std::make_unique<BitNet>(c); }};
}

}  // namespace

Family family() { return row(kSilu); }
Family family_b158() { return row(kRelu2); }
Family family_25() { return row(kOther); }

}  // namespace bantam::bitnet
