// Any bytes as a config.json: a configuration that holds together, or an Error says why not; then
// its model can be laid out, and what is written of it reads as the same shapes.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "models/model.h"

namespace {

using bantam::Config;
using bantam::Error;
using bantam::Family;
using bantam::Json;
using bantam::WeightSpec;

// The weights' shapes, one after another; of a model of many layers only that there are some.
std::string shapes(const Family& family, const Config& config) {
  if (config.layers > 64) return "";
  const auto model = family.make(config);
  model->cache_shape(1, 8, bantam::Type::f16);
  std::string text;
  for (const WeightSpec& weight : model->weights())
    text += weight.hf + weight.shape.text() + weight.gguf + "\n";
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Json json = bantam::parse_json(text, "config.json");
    if (!json.is_object() || !json.contains("model_type") || !json["model_type"].is_string())
      return 0;
    const Family& family = bantam::family_by_hf(json["model_type"].get<std::string>(), "input");
    Config config = family.from_hf(json, "config.json");
    config.check("config.json");
    config.run_context = 16;
    const std::string before = shapes(family, config);
    Json written;
    try {
      written = family.to_hf(config);
    } catch (const Error&) {
      return 0;  // a folder cannot say this
    }
    Config again = family.from_hf(written, "written");
    again.check("written");
    again.run_context = 16;
    if (shapes(family, again) != before) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
