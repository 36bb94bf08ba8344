// Phi-1.5 and Phi-2 (Li et al. 2023, arXiv:2309.05463): one LayerNorm feeds attention and a
// feed-forward block without a gate, side by side; the front part of each head turns; biases
// everywhere, in the head too. Semantics after transformers, src/transformers/models/phi/
// modeling_phi.py; GGUF names after llama.cpp, src/models/phi2.cpp.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::phi2 {

namespace {

constexpr std::string_view kTypes[] = {"phi"};
constexpr Storage kStorage{.norm = "model.final_layernorm"};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const std::int64_t d = c.width, f = c.feed_forward;
  list.norm("attn_norm", "input_layernorm", d, w.attention_norm);
  list.fused_attention(w.attention, c.layer(l), c.fused_qkv ? Fused::gguf : Fused::nowhere, "",
                       "self_attn.dense");
  list.linear("ffn_up", "mlp.fc1", {f, d}, w.feed_forward.up, true);
  list.linear("ffn_down", "mlp.fc2", {d, f}, w.feed_forward.down, true, 0, true);
}

Config with_biases(Config c) {
  c.layer_norm = true;
  c.attention_bias = c.output_bias = c.feed_forward_bias = c.head_bias = true;
  return c;
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "phi2");
  Config c = with_biases(keys.common());
  c.activation = Activation::gelu_tanh;
  // Files of the first converters have q, k and v in one tensor.
  c.fused_qkv = file.find("blk.0.attn_qkv.weight") != nullptr;
  c.head_bias = file.find("output.bias") != nullptr;
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json given =
      with_defaults(json, {{"layer_norm_eps", 1e-5}, {"partial_rotary_factor", 0.5}});
  const HfKeys keys(given, file);
  Config c = with_biases(keys.common("phi2"));
  c.activation = keys.activation("hidden_act", "gelu_new");
  keys.expect_flag("qk_layernorm", false);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  need_activation(c, Activation::gelu_tanh);
  write_common_keys(c, writer);
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"PhiForCausalLM"};
  j["model_type"] = "phi";
  j["partial_rotary_factor"] = j.value("partial_rotary_factor", 1.0);
  return j;
}

}  // namespace

Family family() {
  return {"phi2",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block, c.activation);
          }};
}

}  // namespace bantam::models::phi2
