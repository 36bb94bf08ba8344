// Gemma 2 (Gemma Team 2024, arXiv:2408.00118, section 2): Gemma with norms after the blocks too,
// soft caps on scores and logits, and a window in every other layer, the first included. Semantics
// after transformers, src/transformers/models/gemma2/modeling_gemma2.py.
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::gemma2 {

namespace {

constexpr std::string_view kTypes[] = {"gemma2"};
constexpr Storage kStorage{.less_one = true};
constexpr std::int64_t kPeriod = 2;
constexpr std::int64_t kLayersOfLargest = 46;

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  const std::int64_t d = c.width;
  list.gain("attn_norm", "input_layernorm", d, w.attention_norm.gain);
  list.attention(w.attention, layer);
  list.gain("post_attention_norm", "post_attention_layernorm", d, w.attention_post_norm.gain);
  list.gain("ffn_norm", "pre_feedforward_layernorm", d, w.feed_forward_norm.gain);
  list.gated(w.feed_forward, layer);
  list.gain("post_ffw_norm", "post_feedforward_layernorm", d, w.feed_forward_post_norm.gain);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "gemma2");
  Config c = keys.common();
  keys.find_biases(c);
  windows_from_gguf(c, keys, 4096, kPeriod);
  c.attention_cap = keys.number("attn_logit_softcapping", 50);
  c.logit_cap = keys.number("final_logit_softcapping", 30);
  c.attention_scale = gguf_query_scale(c, kLayersOfLargest);
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole = with_defaults(json, {{"head_dim", 256},
                                          {"query_pre_attn_scalar", 256},
                                          {"sliding_window", 4096},
                                          {"attn_logit_softcapping", 50.0},
                                          {"final_logit_softcapping", 30.0},
                                          {"tie_word_embeddings", true}});
  const HfKeys keys(whole, file);
  Config c = keys.common("gemma2");
  keys.expect_gelu_tanh();
  keys.expect_flag("use_bidirectional_attention", false);
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  windows_from_hf(c, keys, windowed_layers(c.layers, kPeriod));
  c.attention_cap = keys.number("attn_logit_softcapping", 0);
  c.logit_cap = keys.number("final_logit_softcapping", 0);
  c.attention_scale = 1 / std::sqrt(keys.number("query_pre_attn_scalar", 256));
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  expect_gguf_query_scale(c, kLayersOfLargest);
  if (c.attention_cap == 0 || c.logit_cap == 0)
    throw Error(
        "GGUF files of this architecture always cap scores and logits; keep the model as a folder")
        .field("attn_logit_softcapping, final_logit_softcapping");
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, kPeriod);
  writer.set("gemma2.attn_logit_softcapping", static_cast<float>(c.attention_cap));
  writer.set("gemma2.final_logit_softcapping", static_cast<float>(c.logit_cap));
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"Gemma2ForCausalLM"};
  j["model_type"] = "gemma2";
  j["hidden_act"] = j["hidden_activation"] = "gelu_pytorch_tanh";
  j["attention_bias"] = c.attention_bias;
  windows_to_hf(c, j);
  j["query_pre_attn_scalar"] = whole_if_it_is(query_scalar(c));
  const auto cap = [](double value) { return value > 0 ? Json(shortest(value)) : Json(nullptr); };
  j["attn_logit_softcapping"] = cap(c.attention_cap);
  j["final_logit_softcapping"] = cap(c.logit_cap);
  return j;
}

}  // namespace

Family family() {
  return {"gemma2",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block, Activation::gelu_tanh);
          }};
}

}  // namespace bantam::models::gemma2
