// Gemma 3, its text part (Gemma Team 2025, arXiv:2503.19786, section 2): Gemma 2 without caps but
// with RMSNorm on each head of q and k; five layers with a window, on a rotary base of their own,
// then one without. Semantics after transformers,
// src/transformers/models/gemma3/modeling_gemma3.py.
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::gemma3 {

namespace {

constexpr std::string_view kTypes[] = {"gemma3_text", "gemma3"};
constexpr Storage kStorage{.less_one = true};
constexpr std::int64_t kPeriod = 6;
constexpr std::int64_t kLayersOfLargest = 62;
constexpr double kLocalBase = 10000;

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  const std::int64_t d = c.width;
  list.gain("attn_norm", "input_layernorm", d, w.attention_norm.gain);
  list.attention(w.attention, layer);
  list.gain("attn_q_norm", "self_attn.q_norm", c.head_dim, w.attention.q_norm);
  list.gain("attn_k_norm", "self_attn.k_norm", c.head_dim, w.attention.k_norm);
  list.gain("post_attention_norm", "post_attention_layernorm", d, w.attention_post_norm.gain);
  list.gain("ffn_norm", "pre_feedforward_layernorm", d, w.feed_forward_norm.gain);
  list.gated(w.feed_forward, layer);
  list.gain("post_ffw_norm", "post_feedforward_layernorm", d, w.feed_forward_post_norm.gain);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "gemma3");
  Config c = keys.common();
  keys.find_biases(c);
  windows_from_gguf(c, keys, 0, kPeriod);
  c.rope_local_base = keys.number("rope.freq_base_swa", kLocalBase);
  c.attention_cap = keys.number("attn_logit_softcapping", 0);
  c.logit_cap = keys.number("final_logit_softcapping", 0);
  c.attention_scale = gguf_query_scale(c, kLayersOfLargest);
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  return c;
}

// Folders of the larger models name only what differs from these (Gemma3TextConfig).
Json defaults() {
  return {{"num_attention_heads", 8},
          {"num_key_value_heads", 4},
          {"head_dim", 256},
          {"vocab_size", 262208},
          {"max_position_embeddings", 131072},
          {"rope_theta", 1000000.0},
          {"rope_local_base_freq", kLocalBase},
          {"sliding_window", 4096},
          {"query_pre_attn_scalar", 256},
          {"tie_word_embeddings", true}};
}

Config from_hf(const Json& json, const std::string& file) {
  const bool nested = json.contains("text_config") && json.at("text_config").is_object();
  Json whole = with_defaults(nested ? json.at("text_config") : json, defaults());
  double local_base = HfKeys(whole, file).number("rope_local_base_freq", kLocalBase);
  whole = with_rope_of_full_layers(whole, file, local_base);
  const HfKeys keys(whole, file);
  Config c = keys.common("gemma3");
  c.rope_local_base = local_base;
  keys.expect_gelu_tanh();
  keys.expect_flag("use_bidirectional_attention", false);
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  const std::int64_t period =
      keys.integer("sliding_window_pattern", keys.integer("_sliding_window_pattern", kPeriod));
  windows_from_hf(c, keys, windowed_layers(c.layers, period));
  c.attention_cap = keys.number("attn_logit_softcapping", 0);
  c.logit_cap = keys.number("final_logit_softcapping", 0);
  c.attention_scale = 1 / std::sqrt(keys.number("query_pre_attn_scalar", 256));
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  expect_gguf_query_scale(c, kLayersOfLargest);
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, kPeriod);
  if (c.rope_local_base != kLocalBase)
    writer.set("gemma3.rope.freq_base_swa", static_cast<float>(c.rope_local_base));
  if (c.attention_cap > 0)
    writer.set("gemma3.attn_logit_softcapping", static_cast<float>(c.attention_cap));
  if (c.logit_cap > 0)
    writer.set("gemma3.final_logit_softcapping", static_cast<float>(c.logit_cap));
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"Gemma3ForCausalLM"};
  j["model_type"] = "gemma3_text";
  j["hidden_act"] = j["hidden_activation"] = "gelu_pytorch_tanh";
  j["attention_bias"] = c.attention_bias;
  windows_to_hf(c, j);
  j["rope_local_base_freq"] = shortest(c.rope_local_base);
  j["query_pre_attn_scalar"] = whole_if_it_is(query_scalar(c));
  const auto cap = [](double value) { return value > 0 ? Json(shortest(value)) : Json(nullptr); };
  j["attn_logit_softcapping"] = cap(c.attention_cap);
  j["final_logit_softcapping"] = cap(c.logit_cap);
  return j;
}

}  // namespace

Family family() {
  return {"gemma3",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block, Activation::gelu_tanh);
          }};
}

}  // namespace bantam::models::gemma3
