#include "models/keys.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/error.h"
#include "kernels/math.h"

namespace bantam {

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

namespace {

std::vector<float> read_divisors(const GgufFile& file) {
  const TensorInfo* t = file.find("rope_freqs.weight");
  if (!t) return {};
  if (!t->format || t->format->type != Type::f32)
    throw Error("F32 was expected, not " + t->type_name).in(t->file).field(t->name).at(t->offset);
  std::vector<float> divisors(static_cast<std::size_t>(t->shape.count()));
  std::memcpy(divisors.data(), t->data.data(), divisors.size() * sizeof(float));
  for (const float d : divisors)
    if (!(d > 0) || !std::isfinite(d))
      throw Error("a divisor of a frequency must be a positive number")
          .in(t->file)
          .field(t->name)
          .at(t->offset);
  return divisors;
}

}  // namespace

Config GgufKeys::common() const {
  const Metadata& meta = file_.metadata();
  Config c;
  c.family = prefix_.substr(0, prefix_.size() - 1);
  c.name = std::string(meta.find_string("general.name").value_or(""));
  c.layers = need("block_count");
  c.width = need("embedding_length");
  c.heads = need("attention.head_count");
  c.feed_forward = need("feed_forward_length");
  c.context = need("context_length");
  c.kv_heads = integer("attention.head_count_kv", c.heads);
  c.head_dim = integer("attention.key_length", c.heads > 0 ? c.width / c.heads : 0);
  c.eps = meta.need_float(prefix_ + "attention.layer_norm_rms_epsilon");
  c.rope_base = number("rope.freq_base", 10000);
  c.vocabulary = file_.need("token_embd.weight").shape[0];
  c.tied = file_.find("output.weight") == nullptr;
  c.rope_scaling.kind = meta.find_string(prefix_ + "rope.scaling.type").value_or("none");
  if (c.rope_scaling.kind == "none") c.rope_scaling.kind.clear();
  c.rope_scaling.factor = number("rope.scaling.factor", 1);
  c.rope_scaling.divisors = read_divisors(file_);
  if (!c.rope_scaling.kind.empty() && c.rope_scaling.kind != "linear")
    throw Error("rotary scaling of kind \"" + printable(c.rope_scaling.kind) +
                "\" is not supported; none and linear are")
        .in(file_.path())
        .field(prefix_ + "rope.scaling.type");
  if (number("rope.dimension_count", static_cast<double>(c.head_dim)) !=
      static_cast<double>(c.head_dim))
    throw Error("rotary positions on a part of each head are not supported in this architecture")
        .in(file_.path())
        .field(prefix_ + "rope.dimension_count");
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
  u32("feed_forward_length", c.feed_forward);
  u32("attention.head_count", c.heads);
  u32("attention.head_count_kv", c.kv_heads);
  u32("attention.key_length", c.head_dim);
  u32("attention.value_length", c.head_dim);
  writer.set(p + "attention.layer_norm_rms_epsilon", static_cast<float>(c.eps));
  writer.set(p + "rope.freq_base", static_cast<float>(c.rope_base));
  u32("vocab_size", c.vocabulary);
  if (c.rope_scaling.kind == "linear") {
    writer.set(p + "rope.scaling.type", "linear");
    writer.set(p + "rope.scaling.factor", static_cast<float>(c.rope_scaling.factor));
  }
}

// ---- config.json --------------------------------------------------------------------------------

bool HfKeys::has(std::string_view name) const {
  const auto at = json_.find(std::string(name));
  return at != json_.end() && !at->is_null();
}

namespace {

Error wrong(const std::string& file, std::string_view name, const char* expected, const Json& got) {
  return Error(std::string(expected) + " was expected, not " + printable(to_text(got), 60))
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
  if (!value.is_number()) throw wrong(file_, name, "a number", value);
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
                          [](const Json& j) { return j.is_number(); });
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

double HfKeys::rope_base() const {
  if (has("rope_parameters") && json_.at("rope_parameters").is_object())
    return HfKeys(json_.at("rope_parameters"), file_)
        .number("rope_theta", number("rope_theta", 10000));
  return number("rope_theta", 10000);
}

RopeScaling HfKeys::rope_scaling(double base, std::int64_t head_dim) const {
  RopeScaling s;
  // Newer files keep base and scaling together under rope_parameters.
  const char* name = has("rope_scaling") ? "rope_scaling" : "rope_parameters";
  if (!has(name)) return s;
  const Json& object = json_.at(name);
  if (!object.is_object()) throw wrong(file_, name, "an object", object);
  const HfKeys keys(object, file_);
  const std::string kind = keys.text("rope_type", keys.text("type", "default"));
  if (kind == "default") return s;
  s.kind = kind;
  s.factor = keys.number("factor", 1);
  if (kind != "linear" && kind != "llama3")
    throw Error("rotary scaling of kind \"" + printable(kind) +
                "\" is not supported; linear and llama3 are")
        .in(file_)
        .field(std::string(name) + ".rope_type");
  if (!(s.factor >= 1) || s.factor > 1e6)
    throw Error("a number from 1 was expected, not " + std::to_string(s.factor))
        .in(file_)
        .field(std::string(name) + ".factor");
  if (kind == "linear") return s;
  s.low_factor = keys.number("low_freq_factor", 1);
  s.high_factor = keys.number("high_freq_factor", 4);
  s.original_context = keys.need("original_max_position_embeddings");
  if (!(s.low_factor > 0) || !(s.high_factor > s.low_factor) || s.original_context < 1)
    throw Error(
        "0 < low_freq_factor < high_freq_factor and an original context from 1 were expected")
        .in(file_)
        .field(name);
  s.divisors = llama3_divisors(base, head_dim, s);
  return s;
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
  c.eps = number("rms_norm_eps", 1e-6);
  c.rope_base = rope_base();
  c.tied = flag("tie_word_embeddings", false);
  c.check(file_);
  c.rope_scaling = rope_scaling(c.rope_base, c.head_dim);
  return c;
}

namespace {

// GGUF keeps only the divisors of Llama 3's scaling; the published settings that give them are
// found again, as a folder must name them.
Json llama3_settings(const Config& c) {
  RopeScaling s = c.rope_scaling;
  if (s.kind != "llama3") {
    s.factor = *std::max_element(s.divisors.begin(), s.divisors.end());
    s.low_factor = 1;
    s.high_factor = 4;
    for (const std::int64_t original : {8192, 2048, 4096, 16384, 32768, 64, 128, 256, 512, 1024}) {
      s.original_context = original;
      if (llama3_divisors(c.rope_base, c.head_dim, s) == s.divisors) break;
      s.original_context = 0;
    }
  }
  if (s.original_context == 0)
    throw Error("these rotary divisors follow no rule that config.json can name")
        .field("rope_freqs.weight");
  return {{"rope_type", "llama3"},
          {"factor", s.factor},
          {"low_freq_factor", s.low_factor},
          {"high_freq_factor", s.high_factor},
          {"original_max_position_embeddings", s.original_context}};
}

}  // namespace

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
  Json j = {{"hidden_size", c.width},
            {"intermediate_size", c.feed_forward},
            {"num_hidden_layers", c.layers},
            {"num_attention_heads", c.heads},
            {"num_key_value_heads", c.kv_heads},
            {"head_dim", c.head_dim},
            {"vocab_size", c.vocabulary},
            {"max_position_embeddings", c.context},
            {"rms_norm_eps", shortest(c.eps)},
            {"rope_theta", shortest(c.rope_base)},
            {"tie_word_embeddings", c.tied},
            {"hidden_act", "silu"}};
  if (c.rope_scaling.kind == "linear")
    j["rope_scaling"] = {{"rope_type", "linear"}, {"factor", shortest(c.rope_scaling.factor)}};
  else if (!c.rope_scaling.divisors.empty())
    j["rope_scaling"] = llama3_settings(c);
  return j;
}

// Long wavelengths are divided by the factor, short ones kept, between them a blend (transformers,
// src/transformers/modeling_rope_utils.py, _compute_llama3_parameters).
std::vector<float> llama3_divisors(double base, std::int64_t head_dim, const RopeScaling& s) {
  std::vector<float> divisors;
  const auto original = static_cast<double>(s.original_context);
  for (std::int64_t i = 0; i < head_dim / 2; ++i) {
    const double wavelength =
        2 * std::numbers::pi *
        bantam_pow(base, 2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    double divisor = 1;
    if (wavelength > original / s.low_factor) {
      divisor = s.factor;
    } else if (wavelength >= original / s.high_factor) {
      const double blend = (original / wavelength - s.low_factor) / (s.high_factor - s.low_factor);
      divisor = 1 / ((1 - blend) / s.factor + blend);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

}  // namespace bantam
