// Granite 3 (IBM 2024, "Granite 3.0 Language Models"): Llama's blocks with four multipliers after
// muP (Yang et al. 2022, arXiv:2203.03466): of embeddings, scores, the output of blocks, and
// logits. Semantics after transformers, src/transformers/models/granite/modeling_granite.py; GGUF
// keys after llama.cpp, src/models/granite.cpp.
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::granite {

namespace {

constexpr std::string_view kTypes[] = {"granite"};
constexpr Storage kStorage{.interleaved = true};

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "granite");
  Config c = keys.common();
  keys.find_biases(c);
  // 0 and absence both mean: none.
  const auto scale = [&](const char* name) {
    const double value = keys.number(name, 0);
    return value == 0 ? 1 : value;
  };
  c.attention_scale = keys.number("attention.scale", 0);
  c.embedding_scale = scale("embedding_scale");
  c.residual_scale = scale("residual_scale");
  c.logit_scale = scale("logit_scale");
  if (!file.metadata().find_bool(keys.key("rope.scaling.finetuned")).value_or(true))
    throw Error("models of this architecture without rotary positions are not supported")
        .in(file.path())
        .field(keys.key("rope.scaling.finetuned"));
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const HfKeys keys(json, file);
  Config c = keys.common("granite");
  keys.expect("hidden_act", "silu");
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  c.feed_forward_bias = keys.flag("mlp_bias", false);
  c.attention_scale = keys.number("attention_multiplier", 1);
  c.embedding_scale = keys.number("embedding_multiplier", 1);
  c.residual_scale = keys.number("residual_multiplier", 1);
  c.logit_scale = keys.number("logits_scaling", 1);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  if (c.attention_scale > 0)
    writer.set("granite.attention.scale", static_cast<float>(c.attention_scale));
  writer.set("granite.embedding_scale", static_cast<float>(c.embedding_scale));
  writer.set("granite.residual_scale", static_cast<float>(c.residual_scale));
  writer.set("granite.logit_scale", static_cast<float>(c.logit_scale));
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"GraniteForCausalLM"};
  j["model_type"] = "granite";
  j["attention_bias"] = c.attention_bias;
  j["mlp_bias"] = c.feed_forward_bias;
  const double usual = 1 / std::sqrt(static_cast<double>(c.head_dim));
  j["attention_multiplier"] = c.attention_scale > 0 ? shortest(c.attention_scale) : usual;
  j["embedding_multiplier"] = shortest(c.embedding_scale);
  j["residual_multiplier"] = shortest(c.residual_scale);
  j["logits_scaling"] = shortest(c.logit_scale);
  return j;
}

}  // namespace

Family family() {
  return {"granite",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_llama_block);
          }};
}

}  // namespace bantam::models::granite
