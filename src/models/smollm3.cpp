// SmolLM3 (Hugging Face 2025): Llama's blocks, with no positions at all in every fourth layer (Yang
// et al. 2025, "RNoPE", arXiv:2501.18795). Semantics after transformers,
// src/transformers/models/smollm3/modeling_smollm3.py.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::smollm3 {

namespace {

constexpr std::string_view kTypes[] = {"smollm3"};
constexpr Storage kStorage{.interleaved = true};
constexpr std::int64_t kInterval = 4;

// Layers interval - 1, 2 interval - 1, ... do without rotary positions.
bool rotary_by(std::int64_t interval, std::int64_t layer) { return (layer + 1) % interval != 0; }

// GGUF has no key for it (llama.cpp, src/models/smollm3.cpp).
Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "smollm3");
  Config c = keys.common();
  keys.find_biases(c);
  for (std::int64_t l = 0; l < c.layers; ++l)
    c.own_layers()[static_cast<std::size_t>(l)].rotary = rotary_by(kInterval, l);
  windows_from_gguf(c, keys, 0, 0);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole =
      with_defaults(json, {{"rope_theta", 2000000.0}, {"tie_word_embeddings", true}});
  const HfKeys keys(whole, file);
  Config c = keys.common("smollm3");
  keys.expect("hidden_act", "silu");
  c.attention_bias = c.output_bias = keys.flag("attention_bias", false);
  c.feed_forward_bias = keys.flag("mlp_bias", false);
  const auto listed = keys.integers("no_rope_layers");  // 1 where there are rotary positions
  const std::int64_t interval = keys.integer("no_rope_layer_interval", kInterval);
  if (interval < 1 || (listed && static_cast<std::int64_t>(listed->size()) < c.layers))
    throw Error("a number for each of " + std::to_string(c.layers) +
                " layers, or an interval from 1, was expected")
        .in(file)
        .field("no_rope_layers");
  std::vector<bool> windowed;
  for (std::size_t l = 0; l < static_cast<std::size_t>(c.layers); ++l) {
    const bool rotary =
        listed ? (*listed)[l] != 0 : rotary_by(interval, static_cast<std::int64_t>(l));
    c.own_layers()[l].rotary = rotary;
    windowed.push_back(!rotary);
  }
  if (keys.flag("use_sliding_window", false)) windows_from_hf(c, keys, windowed);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  for (std::int64_t l = 0; l < c.layers; ++l)
    if (c.layer(l).rotary != rotary_by(kInterval, l))
      throw Error(
          "GGUF files of this architecture go without rotary positions in every fourth layer; "
          "keep the model as a folder")
          .field("no_rope_layers");
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, 0);
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"SmolLM3ForCausalLM"};
  j["model_type"] = "smollm3";
  j["attention_bias"] = c.attention_bias;
  j["mlp_bias"] = c.feed_forward_bias;
  j["no_rope_layers"] = Json::array();
  for (std::int64_t l = 0; l < c.layers; ++l)
    j["no_rope_layers"].push_back(c.layer(l).rotary ? 1 : 0);
  j["no_rope_layer_interval"] = kInterval;
  windows_to_hf(c, j);
  j["use_sliding_window"] = c.window > 0;
  return j;
}

}  // namespace

Family family() {
  return {"smollm3",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_llama_block);
          }};
}

}  // namespace bantam::models::smollm3
