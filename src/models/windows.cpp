#include "models/windows.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::models {

namespace {

std::vector<bool> windowed(const Config& config) {
  std::vector<bool> all;
  for (std::int64_t l = 0; l < config.layers; ++l) all.push_back(config.layer(l).window > 0);
  return all;
}

}  // namespace

std::vector<bool> windowed_layers(std::int64_t layers, std::int64_t period) {
  std::vector<bool> all;
  for (std::int64_t l = 0; l < layers; ++l) all.push_back(period == 0 || l % period < period - 1);
  return all;
}

void set_windows(Config& config, std::int64_t window, const std::vector<bool>& windowed) {
  const bool any = window > 0 && std::ranges::find(windowed, true) != windowed.end();
  const bool all = any && std::ranges::find(windowed, false) == windowed.end();
  if (any && (!all || !config.by_layer.empty())) {
    std::vector<LayerConfig>& layers = config.own_layers();
    for (std::size_t l = 0; l < layers.size(); ++l) layers[l].window = windowed[l] ? window : 0;
  }
  config.window = any ? window : 0;
}

void windows_from_gguf(Config& config, const GgufKeys& keys, std::int64_t window,
                       std::int64_t period) {
  const char* const pattern = "attention.sliding_window_pattern";
  window = keys.integer("attention.sliding_window", window);
  if (!keys.file().metadata().is_array(keys.key(pattern)))
    return set_windows(config, window,
                       windowed_layers(config.layers, keys.integer(pattern, period)));
  std::vector<bool> layers;
  for (const std::int64_t one : keys.by_layer(pattern, config.layers)) layers.push_back(one != 0);
  set_windows(config, window, layers);
}

void windows_to_gguf(const Config& config, GgufWriter& writer, std::int64_t period) {
  if (config.window == 0) return;
  const std::string prefix = config.family + ".attention.";
  writer.set(prefix + "sliding_window", static_cast<std::uint32_t>(config.window));
  const std::vector<bool> layers = windowed(config);
  if (layers == windowed_layers(config.layers, period)) return;
  const auto values = std::make_unique<bool[]>(layers.size());
  std::ranges::copy(layers, values.get());
  writer.set(prefix + "sliding_window_pattern", std::span<const bool>(values.get(), layers.size()));
}

void windows_from_hf(Config& config, const HfKeys& keys, const std::vector<bool>& otherwise) {
  std::vector<bool> layers = otherwise;
  if (const auto types = keys.texts("layer_types")) {
    if (static_cast<std::int64_t>(types->size()) != config.layers)
      throw Error("a kind for each of " + std::to_string(config.layers) +
                  " layers was expected, not " + std::to_string(types->size()))
          .in(keys.file())
          .field("layer_types");
    layers.clear();
    for (const std::string& type : *types) {
      if (type != "sliding_attention" && type != "full_attention")
        throw Error("layers of kind \"" + printable(type) +
                    "\" are not supported; sliding_attention and full_attention are")
            .in(keys.file())
            .field("layer_types");
      layers.push_back(type == "sliding_attention");
    }
  }
  const std::int64_t window = keys.integer("sliding_window", 0);
  if (window == 0 && std::ranges::find(layers, true) != layers.end() && keys.has("layer_types"))
    throw Error("layers with a window were announced, but not its width")
        .in(keys.file())
        .field("sliding_window");
  set_windows(config, window, layers);
}

void windows_to_hf(const Config& config, Json& json) {
  json["sliding_window"] = config.window > 0 ? Json(config.window) : Json(nullptr);
  Json types = Json::array();
  for (const bool one : windowed(config))
    types.push_back(one ? "sliding_attention" : "full_attention");
  json["layer_types"] = types;
  for (std::int64_t period = 1; config.window > 0 && period <= config.layers; ++period)
    if (windowed(config) == windowed_layers(config.layers, period)) {
      json["sliding_window_pattern"] = period;
      break;
    }
}

Json with_rope_of_full_layers(const Json& json, const std::string& file, double& local_base) {
  Json flat = json;
  const auto rope = json.find("rope_parameters");
  if (rope == json.end() || !rope->is_object() || !rope->contains("full_attention")) return flat;
  flat["rope_parameters"] = rope->at("full_attention");
  const auto local = rope->find("sliding_attention");
  if (local == rope->end()) return flat;
  if (!local->is_object())
    throw Error("an object was expected").in(file).field("rope_parameters.sliding_attention");
  const HfKeys keys(*local, file);
  keys.expect("rope_type", "default");
  local_base = keys.number("rope_theta", local_base);
  return flat;
}

void late_windows_from_hf(Config& config, const HfKeys& keys) {
  if (!keys.flag("use_sliding_window", false)) return;
  std::vector<bool> layers;
  for (std::int64_t l = 0; l < config.layers; ++l)
    layers.push_back(l >= keys.integer("max_window_layers", 28));
  windows_from_hf(config, keys, layers);
}

void late_windows_to_hf(const Config& config, Json& json) {
  windows_to_hf(config, json);
  const std::vector<bool> layers = windowed(config);
  json["use_sliding_window"] = config.window > 0;
  json["max_window_layers"] = std::ranges::find(layers, true) - layers.begin();
}

}  // namespace bantam::models
