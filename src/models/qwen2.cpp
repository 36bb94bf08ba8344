// Qwen2 and 2.5 (Yang et al. 2024, arXiv:2407.10671, section 2.2): Llama's blocks with a bias on q,
// k and v; layers from max_window_layers on may look through a window. Semantics after
// transformers, src/transformers/models/qwen2/modeling_qwen2.py.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/windows.h"

namespace bantam::models::qwen2 {

namespace {

constexpr std::string_view kTypes[] = {"qwen2"};
constexpr Storage kStorage{};

Config from_gguf(const GgufFile& file) {
  const GgufKeys keys(file, "qwen2");
  Config c = keys.common();
  c.attention_bias = true;
  windows_from_gguf(c, keys, 0, 0);
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const Json whole = with_defaults(json, {{"sliding_window", 4096}});
  const HfKeys keys(whole, file);
  Config c = keys.common("qwen2");
  keys.expect("hidden_act", "silu");
  c.attention_bias = true;
  late_windows_from_hf(c, keys);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  windows_to_gguf(c, writer, 0);
}

Json to_hf(const Config& c) {
  Json j = common_to_hf(c);
  j["architectures"] = {"Qwen2ForCausalLM"};
  j["model_type"] = "qwen2";
  late_windows_to_hf(c, j);
  return j;
}

}  // namespace

Family family() {
  return {"qwen2",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_llama_block);
          }};
}

}  // namespace bantam::models::qwen2
