// Gemma (Gemma Team 2024, arXiv:2403.08295): embeddings times sqrt(width), pre-norm blocks, GeGLU
// in the tanh form, RMSNorm by 1 + weight. Semantics after transformers,
// src/transformers/models/gemma/modeling_gemma.py.
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::gemma {

namespace {

constexpr std::string_view kTypes[] = {"gemma"};
constexpr Storage kStorage{.less_one = true};

Config finished(Config c) {
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  return c;
}

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "gemma");
  Config c = keys.common();
  keys.find_biases(c);
  return finished(c);
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole = with_defaults(json, {{"head_dim", 256}, {"tie_word_embeddings", true}});
  const HfKeys keys(whole, file);
  Config c = keys.common("gemma");
  keys.expect_gelu_tanh();
  keys.expect_flag("use_bidirectional_attention", false);
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  return finished(c);
}

void to_gguf(const Config& c, GgufWriter& writer) { write_common_keys(c, writer); }

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"GemmaForCausalLM"};
  j["model_type"] = "gemma";
  j["hidden_act"] = j["hidden_activation"] = "gelu_pytorch_tanh";
  j["attention_bias"] = c.attention_bias;
  return j;
}

}  // namespace

Family family() {
  return {"gemma",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_llama_block,
                                                  Activation::gelu_tanh);
          }};
}

}  // namespace bantam::models::gemma
