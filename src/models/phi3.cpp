// Phi-3 (Abdin et al. 2024, arXiv:2404.14219), Phi-3.5 and Phi-4-mini (arXiv:2503.01743): Llama's
// blocks with q, k and v in one matrix and gate and up in another; frequencies stretched by
// longrope, in Phi-4-mini on the front part of each head. Semantics after transformers,
// src/transformers/models/phi3/modeling_phi3.py; GGUF names after llama.cpp, src/models/phi3.cpp.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::phi3 {

namespace {

constexpr std::string_view kTypes[] = {"phi3"};
constexpr Storage kStorage{};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const std::int64_t d = c.width, f = c.feed_forward;
  list.gain("attn_norm", "input_layernorm", d, w.attention_norm.gain);
  list.fused_attention(w.attention, c.layer(l), Fused::everywhere, "self_attn.qkv_proj",
                       "self_attn.o_proj");
  list.gain("ffn_norm", "post_attention_layernorm", d, w.feed_forward_norm.gain);
  const std::size_t from = list.size();
  list.linear("", "", {f, d}, w.feed_forward.gate, false);
  list.linear("", "", {f, d}, w.feed_forward.up, false);
  list.fuse(from, Fused::everywhere, "ffn_up", "mlp.gate_up_proj");
  list.linear("ffn_down", "mlp.down_proj", {d, f}, w.feed_forward.down, false, 0, true);
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "phi3");
  Config c = keys.common();
  windows_from_gguf(c, keys, 0, 0);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json given = with_defaults(json, {{"rms_norm_eps", 1e-5}});
  const HfKeys keys(given, file);
  Config c = keys.common("phi3");
  keys.expect("hidden_act", "silu");
  for (const char* bias : {"attention_bias", "mlp_bias", "lm_head_bias"})
    keys.expect_flag(bias, false);
  windows_from_hf(c, keys, windowed_layers(c.layers, 0));
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, 0);
  // Without the key llama.cpp takes some of these models for such as have a window.
  if (c.window == 0) writer.set("phi3.attention.sliding_window", std::uint32_t{0});
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"Phi3ForCausalLM"};
  j["model_type"] = "phi3";
  j["sliding_window"] = c.window > 0 ? Json(c.window) : Json(nullptr);
  // What these makers' readers take for it when it is missing: 4096.
  if (!j.contains("original_max_position_embeddings"))
    j["original_max_position_embeddings"] = c.context;
  return j;
}

}  // namespace

Family family() {
  return {"phi3",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block);
          }};
}

}  // namespace bantam::models::phi3
