// StableLM 2 and 3B (Bellagente et al. 2024, arXiv:2402.17834): LayerNorm, SwiGLU, the front part
// of each head turns. Some have LayerNorm on each head of q and k with a gain of its own, some run
// attention and feed-forward block side by side on one norm. Semantics after transformers,
// src/transformers/models/stablelm/modeling_stablelm.py; GGUF names after llama.cpp,
// src/models/stablelm.cpp.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::stablelm {

namespace {

constexpr std::string_view kTypes[] = {"stablelm", "stablelm_epoch"};
constexpr Storage kStorage{};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  const std::int64_t d = c.width, width = c.head_dim;
  list.norm("attn_norm", "input_layernorm", d, w.attention_norm);
  list.attention(w.attention, layer);
  if (c.qk_norm) {
    list.head_gains("attn_q_norm", "self_attn.q_layernorm.norms.", layer.heads, width,
                    w.attention.q_head_norms);
    list.head_gains("attn_k_norm", "self_attn.k_layernorm.norms.", layer.kv_heads, width,
                    w.attention.k_head_norms);
  }
  if (!c.parallel) list.norm("ffn_norm", "post_attention_layernorm", d, w.feed_forward_norm);
  list.gated(w.feed_forward, layer);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "stablelm");
  Config c = keys.common();
  c.layer_norm = true;
  c.attention_bias = file.find("blk.0.attn_q.bias") != nullptr;
  // use_parallel_residual says no more than this, and some files lack or misstate it.
  c.parallel = file.find("blk.0.ffn_norm.weight") == nullptr;
  c.qk_norm = file.find("blk.0.attn_q_norm.weight") != nullptr;
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const double part = HfKeys(json, file).number("rope_pct", 0.25);  // the older name
  const Json given =
      with_defaults(json, {{"layer_norm_eps", 1e-5}, {"partial_rotary_factor", part}});
  const HfKeys keys(given, file);
  Config c = keys.common("stablelm");
  keys.expect("hidden_act", "silu");
  c.layer_norm = true;
  c.attention_bias = keys.flag("use_qkv_bias", false);
  c.parallel = keys.flag("use_parallel_residual", false);
  c.qk_norm = keys.flag("qk_layernorm", false);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  writer.set("stablelm.use_parallel_residual", c.parallel);
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"StableLmForCausalLM"};
  j["model_type"] = "stablelm";
  j["use_qkv_bias"] = c.attention_bias;
  j["use_parallel_residual"] = c.parallel;
  j["qk_layernorm"] = c.qk_norm;
  j["partial_rotary_factor"] = j.value("partial_rotary_factor", 1.0);
  return j;
}

}  // namespace

Family family() {
  return {"stablelm",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block);
          }};
}

}  // namespace bantam::models::stablelm
