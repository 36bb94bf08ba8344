// Llama (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Llama 3: 2407.21783), and what
// shares its shape: TinyLlama, SmolLM2, Mistral with its window. Pre-norm blocks: RMSNorm, rotary
// attention with grouped heads, SwiGLU. Semantics after transformers,
// src/transformers/models/llama/modeling_llama.py; GGUF names after llama.cpp, src/llama-arch.cpp.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::llama {

namespace {

constexpr std::string_view kTypes[] = {"llama", "mistral"};
constexpr Storage kStorage{.interleaved = true};

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "llama");
  Config c = keys.common();
  keys.find_biases(c);
  windows_from_gguf(c, keys, 0, 0);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole = with_defaults(json, {{"sliding_window", 4096}});  // of Mistral
  const HfKeys keys(whole, file);
  Config c = keys.common("llama");
  keys.expect("hidden_act", "silu");
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  c.feed_forward_bias = keys.flag("mlp_bias", false);
  if (keys.text("model_type", "llama") == "mistral")
    windows_from_hf(c, keys, windowed_layers(c.layers, 0));
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, 0);
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  const bool mistral = c.window > 0;
  j["architectures"] = {mistral ? "MistralForCausalLM" : "LlamaForCausalLM"};
  j["model_type"] = mistral ? "mistral" : "llama";
  if (!c.by_layer.empty())
    throw Error("layers that differ cannot be said in a folder of this architecture");
  if (mistral) j["sliding_window"] = c.window;
  j["attention_bias"] = c.attention_bias;
  j["mlp_bias"] = c.feed_forward_bias;
  return j;
}

}  // namespace

Family family() {
  return {"llama",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_llama_block);
          }};
}

}  // namespace bantam::models::llama
