// Nemotron and Minitron (Parmar et al. 2024, arXiv:2402.16819; Muralidharan et al. 2024,
// arXiv:2407.14679): LayerNorm whose gain folders keep less one, grouped heads whose front part
// turns, squared ReLU without a gate. Semantics after transformers,
// src/transformers/models/nemotron/ modeling_nemotron.py; GGUF names after llama.cpp,
// src/models/nemotron.cpp.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::nemotron {

namespace {

constexpr std::string_view kTypes[] = {"nemotron"};
constexpr Storage kStorage{.less_one = true};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const std::int64_t d = c.width, f = c.feed_forward;
  const bool bias = c.feed_forward_bias;
  list.norm("attn_norm", "input_layernorm", d, w.attention_norm);
  list.attention(w.attention, c.layer(l));
  list.norm("ffn_norm", "post_attention_layernorm", d, w.feed_forward_norm);
  list.linear("ffn_up", "mlp.up_proj", {f, d}, w.feed_forward.up, bias);
  list.linear("ffn_down", "mlp.down_proj", {d, f}, w.feed_forward.down, bias, 0, true);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "nemotron");
  Config c = keys.common();
  c.layer_norm = true;
  c.activation = Activation::relu2;
  keys.find_biases(c);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const double part = HfKeys(json, file).number("rope_percent", 0.5);  // the older name
  const Json given = with_defaults(json, {{"norm_eps", 1e-5}, {"partial_rotary_factor", part}});
  const HfKeys keys(given, file);
  Config c = keys.common("nemotron");
  keys.expect("hidden_act", "relu2");
  c.layer_norm = true;
  c.activation = Activation::relu2;
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  c.feed_forward_bias = keys.flag("mlp_bias", false);
  return c;
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j.erase("layer_norm_eps");
  j["norm_eps"] = shortest(c.eps);
  j["architectures"] = {"NemotronForCausalLM"};
  j["model_type"] = "nemotron";
  j["attention_bias"] = c.attention_bias;
  j["mlp_bias"] = c.feed_forward_bias;
  j["partial_rotary_factor"] = j.value("partial_rotary_factor", 1.0);
  return j;
}

}  // namespace

Family family() {
  return {"nemotron",
          kTypes,
          from_gguf,
          from_hf,
          write_common_keys,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block, Activation::relu2);
          }};
}

}  // namespace bantam::models::nemotron
