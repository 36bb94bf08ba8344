// OLMo 2 (OLMo Team 2025, arXiv:2501.00656, section 3) and OLMo 3 (2025): nothing is normalised
// before a block, its output is, before it is added; RMSNorm on all heads of q together, and of k.
// OLMo 3 has a window in three of four layers, whose positions are never stretched. Semantics after
// transformers, src/transformers/models/olmo2/modeling_olmo2.py and olmo3/modeling_olmo3.py; in
// GGUF both are olmo2 (llama.cpp, src/models/olmo2.cpp).
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::olmo2 {

namespace {

constexpr std::string_view kTypes[] = {"olmo2", "olmo3"};
constexpr Storage kStorage{};
constexpr std::int64_t kPeriod = 4;

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  const std::int64_t d = c.width, q = layer.heads * c.head_dim;
  const std::int64_t kv = layer.kv_heads * c.head_dim;
  list.attention(w.attention, layer);
  list.gain("attn_q_norm", "self_attn.q_norm", q, w.attention.q_norm);
  list.gain("attn_k_norm", "self_attn.k_norm", kv, w.attention.k_norm);
  list.gain("post_attention_norm", "post_attention_layernorm", d, w.attention_post_norm.gain);
  list.gated(w.feed_forward, layer);
  list.gain("post_ffw_norm", "post_feedforward_layernorm", d, w.feed_forward_post_norm.gain);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "olmo2");
  Config c = keys.common();
  keys.find_biases(c);
  windows_from_gguf(c, keys, 0, kPeriod);
  if (c.window > 0) c.rope_local_base = keys.number("rope.freq_base_swa", c.rope_base);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  double local_base = 0;
  const Json whole = with_rope_of_full_layers(
      with_defaults(json, {{"rms_norm_eps", 1e-5}, {"sliding_window", 4096}}), file, local_base);
  const HfKeys keys(whole, file);
  Config c = keys.common("olmo2");
  keys.expect("hidden_act", "silu");
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  if (keys.text("model_type", "olmo2") == "olmo3")
    windows_from_hf(c, keys, windowed_layers(c.layers, kPeriod));
  if (c.window > 0) c.rope_local_base = local_base > 0 ? local_base : c.rope_base;
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, kPeriod);
  if (c.window > 0 && c.rope_local_base != c.rope_base)
    writer.set("olmo2.rope.freq_base_swa", static_cast<float>(c.rope_local_base));
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  const bool third = c.window > 0;
  j["architectures"] = {third ? "Olmo3ForCausalLM" : "Olmo2ForCausalLM"};
  j["model_type"] = third ? "olmo3" : "olmo2";
  j["attention_bias"] = c.attention_bias;
  if (third) windows_to_hf(c, j);
  if (third && c.rope_local_base != c.rope_base)
    throw Error("a folder of this architecture has one rotary base for all layers")
        .field("rope.freq_base_swa");
  return j;
}

}  // namespace

Family family() {
  return {"olmo2",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block);
          }};
}

}  // namespace bantam::models::olmo2
