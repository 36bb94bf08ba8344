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

namespace bantam::models::bitnet {

namespace {

constexpr std::string_view kTypes[] = {"bitnet"};
constexpr std::string_view kSilu = "bitnet", kRelu2 = "bitnet-b1.58", kOther = "bitnet-25";
constexpr Storage kStorage{};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  const std::int64_t d = c.width, heads = layer.heads * c.head_dim;
  list.gain("attn_norm", "input_layernorm", d, w.attention_norm.gain);
  list.gain("attn_sub_norm", "self_attn.attn_sub_norm", heads, w.attention.out_norm);
  list.attention(w.attention, layer);
  list.gain("ffn_norm", "post_attention_layernorm", d, w.feed_forward_norm.gain);
  list.gain("ffn_sub_norm", "mlp.ffn_sub_norm", layer.feed_forward, w.feed_forward.inner_norm);
  list.gated(w.feed_forward, layer);
}

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
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block, c.activation);
          }};
}

}  // namespace

Family family() { return row(kSilu); }
Family family_b158() { return row(kRelu2); }
Family family_25() { return row(kOther); }

}  // namespace bantam::models::bitnet
