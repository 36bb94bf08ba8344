#include "models/keys.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::models {

// ---- GGUF ---------------------------------------------------------------------------------------

std::int64_t GgufKeys::need(std::string_view name) const {
  const std::uint64_t value = file_.metadata().need_uint(prefix_ + std::string(name));
  if (value > static_cast<std::uint64_t>(INT64_MAX))
    throw Error("the number is too large").in(file_.path()).field(prefix_ + std::string(name));
  return static_cast<std::int64_t>(value);
}

std::int64_t GgufKeys::integer(std::string_view name, std::int64_t otherwise) const {
  return file_.metadata().has(key(name)) ? need(name) : otherwise;
}

std::vector<std::int64_t> GgufKeys::by_layer(std::string_view name, std::int64_t layers) const {
  if (layers < 1 || layers > Config::kMostLayers)
    throw Error("a number from 1 to " + std::to_string(Config::kMostLayers) +
                " was expected, not " + std::to_string(layers))
        .in(file_.path())
        .field(key("block_count"));
  if (!file_.metadata().is_array(key(name)))
    return std::vector<std::int64_t>(static_cast<std::size_t>(layers), need(name));
  std::vector<std::int64_t> values = file_.metadata().need_ints(key(name));
  if (static_cast<std::int64_t>(values.size()) != layers)
    throw Error("a number for each of " + std::to_string(layers) + " layers was expected, not " +
                std::to_string(values.size()))
        .in(file_.path())
        .field(key(name));
  return values;
}

void GgufKeys::find_biases(Config& config) const {
  config.attention_bias = file_.find("blk.0.attn_q.bias") != nullptr;
  config.output_bias = file_.find("blk.0.attn_output.bias") != nullptr;
  config.feed_forward_bias = file_.find("blk.0.ffn_down.bias") != nullptr;
}

double GgufKeys::number(std::string_view name, double otherwise) const {
  return file_.metadata().find_float(prefix_ + std::string(name)).value_or(otherwise);
}

// Heads and widths may be one for all layers or one for each.
void GgufKeys::read_widths(Config& c) const {
  const auto heads = by_layer("attention.head_count", c.layers);
  const bool grouped = file_.metadata().has(key("attention.head_count_kv"));
  const auto stored = grouped ? by_layer("attention.head_count_kv", c.layers) : heads;
  const auto widths = by_layer("feed_forward_length", c.layers);
  std::vector<LayerConfig> layers;
  for (std::size_t l = 0; l < heads.size(); ++l) layers.push_back({heads[l], stored[l], widths[l]});
  c.heads = std::ranges::max(heads);
  c.kv_heads = std::ranges::max(stored);
  c.feed_forward = std::ranges::max(widths);
  for (const LayerConfig& layer : layers)
    if (layer != layers.front()) c.by_layer = layers;
}

Config GgufKeys::common() const {
  const Metadata& meta = file_.metadata();
  Config c;
  c.family = prefix_.substr(0, prefix_.size() - 1);
  c.name = std::string(meta.find_string("general.name").value_or(""));
  c.layers = need("block_count");
  c.width = need("embedding_length");
  c.context = need("context_length");
  read_widths(c);
  c.head_dim = integer("attention.key_length", c.heads > 0 ? c.width / c.heads : 0);
  c.layer_norm = meta.has(key("attention.layer_norm_epsilon"));
  c.eps = meta.need_float(
      key(c.layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"));
  c.vocabulary = file_.need("token_embd.weight").shape[0];
  c.tied = file_.find("output.weight") == nullptr;
  rope_from_gguf(c, *this);
  c.check(file_.path());
  return c;
}

void write_common_keys(const Config& c, GgufWriter& writer) {
  const std::string p = c.family + ".";
  const auto u32 = [&](const char* name, std::int64_t value) {
    writer.set(p + name, static_cast<std::uint32_t>(value));
  };
  writer.set("general.architecture", c.family);
  if (!c.name.empty()) writer.set("general.name", c.name);
  u32("block_count", c.layers);
  u32("context_length", c.context);
  u32("embedding_length", c.width);
  const auto by_layer = [&](const char* name, std::int64_t LayerConfig::*field,
                            std::int64_t largest) {
    std::vector<std::int32_t> values;
    for (const LayerConfig& layer : c.by_layer)
      values.push_back(static_cast<std::int32_t>(layer.*field));
    if (std::ranges::all_of(values, [&](std::int32_t value) { return value == largest; }))
      u32(name, largest);
    else
      writer.set(p + name, std::span<const std::int32_t>(values));
  };
  by_layer("feed_forward_length", &LayerConfig::feed_forward, c.feed_forward);
  by_layer("attention.head_count", &LayerConfig::heads, c.heads);
  by_layer("attention.head_count_kv", &LayerConfig::kv_heads, c.kv_heads);
  u32("attention.key_length", c.head_dim);
  u32("attention.value_length", c.head_dim);
  writer.set(
      p + (c.layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"),
      static_cast<float>(c.eps));
  u32("vocab_size", c.vocabulary);
  rope_to_gguf(c, writer);
}

// ---- config.json --------------------------------------------------------------------------------

bool HfKeys::has(std::string_view name) const {
  const auto at = json_.find(std::string(name));
  return at != json_.end() && !at->is_null();
}

namespace {

bool is_finite(const Json& value) {
  return value.is_number() && std::isfinite(value.get<double>());
}

Error wrong(const std::string& file, std::string_view name, const char* expected, const Json& got) {
  return Error(std::string(expected) + " was expected, not " + printable(as_read(got), 60))
      .in(file)
      .field(std::string(name));
}

}  // namespace

std::int64_t HfKeys::need(std::string_view name) const {
  if (!has(name))
    throw Error("is missing; the model cannot be built without it")
        .in(file_)
        .field(std::string(name));
  const Json& value = json_.at(std::string(name));
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0)
    throw wrong(file_, name, "a whole number from 0", value);
  return value.get<std::int64_t>();
}

std::int64_t HfKeys::integer(std::string_view name, std::int64_t otherwise) const {
  return has(name) ? need(name) : otherwise;
}

double HfKeys::number(std::string_view name, double otherwise) const {
  if (!has(name)) return otherwise;
  const Json& value = json_.at(std::string(name));
  if (!is_finite(value)) throw wrong(file_, name, "a number", value);
  return value.get<double>();
}

bool HfKeys::flag(std::string_view name, bool otherwise) const {
  if (!has(name)) return otherwise;
  const Json& value = json_.at(std::string(name));
  if (!value.is_boolean()) throw wrong(file_, name, "true or false", value);
  return value.get<bool>();
}

std::string HfKeys::text(std::string_view name, std::string otherwise) const {
  if (!has(name)) return otherwise;
  const Json& value = json_.at(std::string(name));
  if (!value.is_string()) throw wrong(file_, name, "a string", value);
  return value.get<std::string>();
}

namespace {

// The members of an array, each of the kind that `fits`.
template <class T, class Fits>
std::optional<std::vector<T>> array_of(const HfKeys& keys, const Json& json, std::string_view name,
                                       const char* expected, Fits fits) {
  if (!keys.has(name)) return std::nullopt;
  const Json& value = json.at(std::string(name));
  bool good = value.is_array();
  if (good)
    for (const Json& member : value) good = good && fits(member);
  if (!good) throw wrong(keys.file(), name, expected, value);
  return value.get<std::vector<T>>();
}

}  // namespace

std::optional<std::vector<std::int64_t>> HfKeys::integers(std::string_view name) const {
  return array_of<std::int64_t>(*this, json_, name, "an array of whole numbers",
                                [](const Json& j) { return j.is_number_integer(); });
}

std::optional<std::vector<double>> HfKeys::numbers(std::string_view name) const {
  return array_of<double>(*this, json_, name, "an array of numbers",
                          [](const Json& j) { return is_finite(j); });
}

std::optional<std::vector<std::string>> HfKeys::texts(std::string_view name) const {
  return array_of<std::string>(*this, json_, name, "an array of strings",
                               [](const Json& j) { return j.is_string(); });
}

void HfKeys::expect_flag(std::string_view name, bool value) const {
  if (flag(name, value) != value)
    throw Error(std::string(value ? "false" : "true") + " is not supported here; " +
                (value ? "true" : "false") + " is")
        .in(file_)
        .field(std::string(name));
}

// The first folders said "gelu" and meant the tanh form (transformers,
// models/gemma/modeling_gemma.py, GemmaMLP): hidden_activation came to say it.
void HfKeys::expect_gelu_tanh() const {
  const bool newer = has("hidden_activation");
  if (!newer && text("hidden_act", "gelu") == "gelu") return;
  expect(newer ? "hidden_activation" : "hidden_act", "gelu_pytorch_tanh");
}

void HfKeys::expect(std::string_view name, std::string_view value) const {
  const std::string got = text(name, std::string(value));
  if (got != value)
    throw Error("\"" + printable(got) + "\" is not supported here; \"" + std::string(value) +
                "\" is")
        .in(file_)
        .field(std::string(name));
}

const Json* HfKeys::object(std::string_view name) const {
  if (!has(name)) return nullptr;
  const Json& value = json_.at(std::string(name));
  if (!value.is_object()) throw wrong(file_, name, "an object", value);
  return &value;
}

namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};
// transformers, src/transformers/activations.py, ACT2CLS; the first of each is what is written.
constexpr std::array kActivations{
    ActivationName{"silu", Activation::silu},
    ActivationName{"swish", Activation::silu},
    ActivationName{"gelu_new", Activation::gelu_tanh},
    ActivationName{"gelu_pytorch_tanh", Activation::gelu_tanh},
    ActivationName{"gelu_fast", Activation::gelu_tanh},
    ActivationName{"gelu", Activation::gelu_erf},
    ActivationName{"relu", Activation::relu},
    ActivationName{"relu2", Activation::relu2},
};

}  // namespace

std::string activation_name(Activation activation) {
  return std::string(
      std::ranges::find(kActivations, activation, &ActivationName::activation)->name);
}

Activation HfKeys::activation(std::string_view name, std::string_view otherwise) const {
  const std::string got = text(name, std::string(otherwise));
  const auto found = std::ranges::find(kActivations, got, &ActivationName::name);
  if (found != kActivations.end()) return found->activation;
  throw Error("the activation \"" + printable(got) + "\" is not supported")
      .in(file_)
      .field(std::string(name));
}

void need_activation(const Config& c, Activation activation) {
  if (c.activation == activation) return;
  throw Error("GGUF files of the architecture " + c.family + " cannot say the activation \"" +
              activation_name(c.activation) + "\"");
}

Config HfKeys::common(std::string family) const {
  Config c;
  c.family = std::move(family);
  c.name = text("_name_or_path", "");
  c.layers = need("num_hidden_layers");
  c.width = need("hidden_size");
  c.heads = need("num_attention_heads");
  c.kv_heads = integer("num_key_value_heads", c.heads);
  c.head_dim = integer("head_dim", c.heads > 0 ? c.width / c.heads : 0);
  c.feed_forward = need("intermediate_size");
  c.vocabulary = need("vocab_size");
  c.context = need("max_position_embeddings");
  c.eps = 1e-6;
  for (const char* name : {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps"})
    if (has(name)) c.eps = number(name, c.eps);
  c.tied = flag("tie_word_embeddings", false);
  c.check(file_);
  rope_from_hf(c, *this);
  return c;
}

double shortest(double value) {
  const auto f = static_cast<float>(value);
  if (static_cast<double>(f) != value) return value;
  for (int digits = 1; digits < 9; ++digits) {
    char text[40];
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtof(text, nullptr) == f) return std::strtod(text, nullptr);
  }
  return value;
}

Json whole_if_it_is(double value) {
  const double whole = std::round(value);
  if (whole == value && std::abs(whole) < 1e15) return static_cast<std::int64_t>(whole);
  return shortest(value);
}

double query_scalar(const Config& c) {
  if (c.attention_scale == 0) return static_cast<double>(c.head_dim);
  const double scalar = 1 / (c.attention_scale * c.attention_scale), whole = std::round(scalar);
  return static_cast<float>(1 / std::sqrt(whole)) == static_cast<float>(c.attention_scale) ? whole
                                                                                           : scalar;
}

double gguf_query_scale(const Config& c, std::int64_t layers_of_largest) {
  if (c.layers != layers_of_largest) return 0;
  return 1 / std::sqrt(static_cast<double>(c.width / c.heads));
}

void expect_gguf_query_scale(const Config& c, std::int64_t layers_of_largest) {
  Config said = c;
  said.attention_scale = gguf_query_scale(c, layers_of_largest);
  if (query_scalar(said) != query_scalar(c))
    throw Error("GGUF files of this architecture cannot say " + std::to_string(query_scalar(c)) +
                ", only " + std::to_string(query_scalar(said)) + "; keep the model as a folder")
        .field("query_pre_attn_scalar");
}

Json with_defaults(const Json& given, Json defaults) {
  for (const auto& [name, value] : given.items()) defaults[name] = value;
  return defaults;
}

Json common_to_hf(const Config& c) {
  for (const LayerConfig& layer : c.by_layer)
    if (layer.heads != c.heads || layer.kv_heads != c.kv_heads ||
        layer.feed_forward != c.feed_forward)
      throw Error("layers of different widths cannot be said in a folder of this architecture")
          .field("attention.head_count, attention.head_count_kv, feed_forward_length");
  Json j = {{"hidden_size", c.width},
            {"intermediate_size", c.feed_forward},
            {"num_hidden_layers", c.layers},
            {"num_attention_heads", c.heads},
            {"num_key_value_heads", c.kv_heads},
            {"head_dim", c.head_dim},
            {"vocab_size", c.vocabulary},
            {"max_position_embeddings", c.context},
            {c.layer_norm ? "layer_norm_eps" : "rms_norm_eps", shortest(c.eps)},
            {"tie_word_embeddings", c.tied},
            {"hidden_act", activation_name(c.activation)}};
  rope_to_hf(c, j);
  return j;
}

}  // namespace bantam::models
