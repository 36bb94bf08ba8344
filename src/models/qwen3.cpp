// Qwen3, dense (Yang et al. 2025, arXiv:2505.09388, section 2): Llama's blocks with RMSNorm on each
// head of q and k; the width of a head is a setting of its own. Semantics after transformers,
// src/transformers/models/qwen3/modeling_qwen3.py.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::qwen3 {

namespace {

constexpr std::string_view kTypes[] = {"qwen3"};
constexpr Storage kStorage{};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  list.gain("attn_norm", "input_layernorm", c.width, w.attention_norm.gain);
  list.attention(w.attention, layer);
  list.gain("attn_q_norm", "self_attn.q_norm", c.head_dim, w.attention.q_norm);
  list.gain("attn_k_norm", "self_attn.k_norm", c.head_dim, w.attention.k_norm);
  list.gain("ffn_norm", "post_attention_layernorm", c.width, w.feed_forward_norm.gain);
  list.gated(w.feed_forward, layer);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "qwen3");
  Config c = keys.common();
  keys.find_biases(c);
  windows_from_gguf(c, keys, 0, 0);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole = with_defaults(json, {{"head_dim", 128}, {"sliding_window", 4096}});
  const HfKeys keys(whole, file);
  Config c = keys.common("qwen3");
  keys.expect("hidden_act", "silu");
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  late_windows_from_hf(c, keys);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, 0);
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"Qwen3ForCausalLM"};
  j["model_type"] = "qwen3";
  j["attention_bias"] = c.attention_bias;
  late_windows_to_hf(c, j);
  return j;
}

}  // namespace

Family family() {
  return {"qwen3",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block);
          }};
}

}  // namespace bantam::models::qwen3
