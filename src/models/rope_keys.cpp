// Rotary settings read from GGUF and config.json, and written there.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "kernels/math.h"
#include "models/keys.h"
#include "models/rope.h"

namespace bantam::models {

namespace {

// What YaRN multiplies cosines and sines by when nothing else is said.
double yarn_attention(double factor) { return factor > 1 ? 1 + 0.1 * bantam_log(factor) : 1; }

std::vector<float> read_divisors(const GgufFile& file, const char* name) {
  const TensorInfo* t = file.find(name);
  if (!t) return {};
  if (!t->format || t->format->type != Type::f32)
    throw Error("F32 was expected, not " + t->type_name).in(t->file).field(t->name).at(t->offset);
  std::vector<float> divisors(static_cast<std::size_t>(t->shape.count()));
  if (!divisors.empty())
    std::memcpy(divisors.data(), t->data.data(), divisors.size() * sizeof(float));
  return divisors;
}

// A setting that means another model unless it is absent or has this value.
void expect(const GgufKeys& keys, const char* name, double value) {
  if (keys.number(name, value) != value)
    throw Error("is not supported: only " + std::to_string(value) + " is")
        .in(keys.file().path())
        .field(keys.key(name));
}

}  // namespace

// ---- GGUF ---------------------------------------------------------------------------------------

void rope_from_gguf(Config& c, const GgufKeys& keys) {
  const Metadata& meta = keys.file().metadata();
  RopeScaling& s = c.rope_scaling;
  c.rope_base = keys.number("rope.freq_base", 10000);
  c.rope_dim = keys.integer("rope.dimension_count", c.head_dim);
  // Without a kind a factor is linear (llama.cpp, src/llama-model.cpp, load_hparams).
  s.kind = meta.find_string(keys.key("rope.scaling.type")).value_or("linear");
  s.factor =
      static_cast<float>(keys.number("rope.scaling.factor", keys.number("rope.scale_linear", 1)));
  if (s.factor == 0) s.factor = 1;
  s.attention = static_cast<float>(keys.number("rope.scaling.attn_factor", 1));
  s.original_context = keys.integer("rope.scaling.original_context_length", c.context);
  s.divisors = read_divisors(keys.file(), "rope_freqs.weight");
  s.long_divisors = read_divisors(keys.file(), "rope_factors_long.weight");
  if (!s.long_divisors.empty() || s.kind == "longrope") {
    s.kind = "longrope";
    s.divisors = read_divisors(keys.file(), "rope_factors_short.weight");
  } else if (s.kind == "yarn") {
    expect(keys, "rope.scaling.yarn_ext_factor", 1);
    expect(keys, "rope.scaling.yarn_attn_factor", 1);
    expect(keys, "rope.scaling.yarn_log_multiplier", 0);
    s.beta_fast = static_cast<float>(keys.number("rope.scaling.yarn_beta_fast", 32));
    s.beta_slow = static_cast<float>(keys.number("rope.scaling.yarn_beta_slow", 1));
  } else if (s.kind == "none") {
    s.factor = 1;
  } else if (s.kind != "linear") {
    throw Error("rotary scaling of kind \"" + printable(s.kind) +
                "\" is not supported; none, linear, yarn and longrope are")
        .in(keys.file().path())
        .field(keys.key("rope.scaling.type"));
  }
  if (s.kind == "none" || (s.kind == "linear" && s.factor == 1)) s.kind.clear();
  if (const double dynamic = keys.number("rope.scaling.dynamic_factor", 0); dynamic > 0) {
    if (!s.kind.empty())
      throw Error("two kinds of rotary scaling at once")
          .in(keys.file().path())
          .field(keys.key("rope.scaling.dynamic_factor"));
    s.kind = "dynamic";
    s.factor = static_cast<float>(dynamic);
  }
}

void rope_to_gguf(const Config& c, GgufWriter& writer) {
  const std::int64_t width = c.rope_width();
  if (width == 0) return;
  const std::string p = c.family + ".rope.";
  const RopeScaling& s = c.rope_scaling;
  writer.set(p + "dimension_count", static_cast<std::uint32_t>(width));
  writer.set(p + "freq_base", static_cast<float>(c.rope_base));
  if (s.attention != 1) writer.set(p + "scaling.attn_factor", s.attention);
  if (s.kind == "linear" || s.kind == "yarn" || s.kind == "longrope") {
    writer.set(p + "scaling.type", s.kind);
    if (s.factor != 1) writer.set(p + "scaling.factor", s.factor);
  }
  // No key of GGUF's says it, and others' programs know no such scaling; up to the trained context
  // it changes nothing.
  if (s.kind == "dynamic") writer.set(p + "scaling.dynamic_factor", s.factor);
  if (s.kind == "yarn" || s.kind == "longrope")
    writer.set(p + "scaling.original_context_length",
               static_cast<std::uint32_t>(s.original_context));
  if (s.kind != "yarn") return;
  if (!s.truncate) throw Error("GGUF cannot say YaRN with \"truncate\": false");
  writer.set(p + "scaling.yarn_beta_fast", s.beta_fast);
  writer.set(p + "scaling.yarn_beta_slow", s.beta_slow);
}

std::vector<std::pair<std::string, std::span<const float>>> rope_tensors(const Config& c) {
  const RopeScaling& s = c.rope_scaling;
  if (s.divisors.empty()) return {};
  if (s.long_divisors.empty()) return {{"rope_freqs.weight", s.divisors}};
  return {{"rope_factors_long.weight", s.long_divisors}, {"rope_factors_short.weight", s.divisors}};
}

// ---- config.json --------------------------------------------------------------------------------

namespace {

// What makers write into the object of rotary settings; anything else would be another model.
constexpr std::array kKnown{
    "type",
    "rope_type",
    "rope_theta",
    "factor",
    "partial_rotary_factor",
    "low_freq_factor",
    "high_freq_factor",
    "beta_fast",
    "beta_slow",
    "attention_factor",
    "mscale",
    "mscale_all_dim",
    "truncate",
    "finetuned",
    "short_factor",
    "long_factor",
    "original_max_position_embeddings",
};

void refuse_unknown_settings(const Json& object, const HfKeys& keys, const std::string& name) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_null() || std::ranges::find(kKnown, key) != kKnown.end()) continue;
    throw Error("this rotary setting is not known here, and may mean another model")
        .in(keys.file())
        .field(name + "." + printable(key));
  }
}

std::vector<float> floats(const HfKeys& keys, const char* name) {
  std::vector<float> out;
  for (const double value : keys.numbers(name).value_or(std::vector<double>()))
    out.push_back(static_cast<float>(value));
  return out;
}

float number(const HfKeys& keys, const char* name, double otherwise) {
  return static_cast<float>(keys.number(name, otherwise));
}

void read_yarn(RopeScaling& s, const HfKeys& keys, const Config& c) {
  s.original_context = keys.integer("original_max_position_embeddings", c.context);
  const double ratio = s.original_context > 0 ? static_cast<double>(c.context) /
                                                    static_cast<double>(s.original_context)
                                              : 1;
  s.factor = number(keys, "factor", ratio);
  s.beta_fast = number(keys, "beta_fast", 32);
  s.beta_slow = number(keys, "beta_slow", 1);
  s.truncate = keys.flag("truncate", true);
  const auto factor = static_cast<double>(s.factor);
  const double usual = yarn_attention(factor);
  double attention = usual;
  const double mscale = keys.number("mscale", 0), all = keys.number("mscale_all_dim", 0);
  if (mscale != 0 && all != 0 && factor > 1)
    attention = (1 + 0.1 * mscale * bantam_log(factor)) / (1 + 0.1 * all * bantam_log(factor));
  s.attention = static_cast<float>(keys.number("attention_factor", attention) / usual);
}

double longrope_attention(double ratio, std::int64_t original) {
  if (ratio <= 1 || original <= 1) return 1;
  return std::sqrt(1 + bantam_log(ratio) / bantam_log(static_cast<double>(original)));
}

double context_ratio(const Config& c) {
  const std::int64_t original = std::max<std::int64_t>(c.rope_scaling.original_context, 1);
  return static_cast<double>(c.context) / static_cast<double>(original);
}

void read_longrope(Config& c, const HfKeys& keys, const HfKeys& model) {
  RopeScaling& s = c.rope_scaling;
  const char* const original = "original_max_position_embeddings";
  s.original_context = model.integer(original, keys.integer(original, c.context));
  const bool said = model.has(original) || keys.has(original);
  const double ratio = said ? context_ratio(c) : keys.number("factor", 1);
  s.attention = number(keys, "attention_factor", longrope_attention(ratio, s.original_context));
  s.divisors = floats(keys, "short_factor");
  s.long_divisors = floats(keys, "long_factor");
}

void read_llama3(Config& c, const HfKeys& keys, const std::string& name) {
  RopeScaling& s = c.rope_scaling;
  s.factor = number(keys, "factor", 1);
  s.low_factor = keys.number("low_freq_factor", 1);
  s.high_factor = keys.number("high_freq_factor", 4);
  s.original_context = keys.need("original_max_position_embeddings");
  if (!(s.factor >= 1) || !(s.low_factor > 0) || !(s.high_factor > s.low_factor) ||
      s.original_context < 1)
    throw Error(
        "a factor from 1, 0 < low_freq_factor < high_freq_factor and an original context from 1 "
        "were expected")
        .in(keys.file())
        .field(name);
  s.divisors = llama3_divisors(c.rope_base, c.rope_width(), s);
}

void read_scaling(Config& c, const Json& object, const HfKeys& model, const std::string& name) {
  const HfKeys keys(object, model.file());
  refuse_unknown_settings(object, keys, name);
  RopeScaling& s = c.rope_scaling;
  std::string kind = keys.text("rope_type", keys.text("type", "default"));
  // "su" and, with these factors, "yarn" were longrope's first names (configuration_phi3.py).
  if (kind == "su" || (kind == "yarn" && keys.has("long_factor"))) kind = "longrope";
  if (kind == "default") return;
  s.kind = kind;
  if (kind == "linear" || kind == "dynamic")
    s.factor = number(keys, "factor", 1);
  else if (kind == "yarn")
    read_yarn(s, keys, c);
  else if (kind == "longrope")
    read_longrope(c, keys, model);
  else if (kind == "llama3")
    read_llama3(c, keys, name);
  else
    throw Error("rotary scaling of kind \"" + printable(kind) +
                "\" is not supported; linear, dynamic, yarn, longrope and llama3 are")
        .in(keys.file())
        .field(name + ".rope_type");
  if (kind == "linear" && s.factor == 1) s.kind.clear();
}

double base_of(const HfKeys& keys, double otherwise) {
  return static_cast<double>(number(keys, "rope_theta", otherwise));
}

}  // namespace

void rope_from_hf(Config& c, const HfKeys& keys) {
  static const Json kNone = Json::object();
  const Json* newer = keys.object("rope_parameters");
  const HfKeys settings(newer ? *newer : kNone, keys.file());
  c.rope_base = base_of(settings, keys.number("rope_theta", 10000));
  const double part =
      settings.number("partial_rotary_factor", keys.number("partial_rotary_factor", 1));
  if (!(part > 0 && part <= 1))
    throw Error("a number above 0, up to 1, was expected, not " + std::to_string(part))
        .in(keys.file())
        .field("partial_rotary_factor");
  c.rope_dim = static_cast<std::int64_t>(static_cast<double>(c.head_dim) * part);
  if (const Json* older = keys.object("rope_scaling"))
    read_scaling(c, *older, keys, "rope_scaling");
  else if (newer)
    read_scaling(c, *newer, keys, "rope_parameters");
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
      if (llama3_divisors(c.rope_base, c.rope_width(), s) == s.divisors) break;
      s.original_context = 0;
    }
  }
  if (s.original_context == 0)
    throw Error("these rotary divisors follow no rule that config.json can name")
        .field("rope_freqs.weight");
  return {{"rope_type", "llama3"},
          {"factor", shortest(static_cast<double>(s.factor))},
          {"low_freq_factor", s.low_factor},
          {"high_freq_factor", s.high_factor},
          {"original_max_position_embeddings", s.original_context}};
}

Json yarn_settings(const RopeScaling& s) {
  const auto factor = static_cast<double>(s.factor);
  Json j = {{"rope_type", "yarn"},
            {"factor", shortest(factor)},
            {"original_max_position_embeddings", s.original_context}};
  if (s.beta_fast != 32) j["beta_fast"] = shortest(static_cast<double>(s.beta_fast));
  if (s.beta_slow != 1) j["beta_slow"] = shortest(static_cast<double>(s.beta_slow));
  if (!s.truncate) j["truncate"] = false;
  if (s.attention != 1)
    j["attention_factor"] = static_cast<double>(s.attention) * yarn_attention(factor);
  return j;
}

Json decimals(const std::vector<float>& values, float factor) {
  Json j = Json::array();
  for (const float value : values) j.push_back(shortest(static_cast<double>(value * factor)));
  return j;
}

// What gives the width again when readers multiply and round down.
double rotary_part(const Config& c) {
  const auto width = static_cast<double>(c.rope_width()), whole = static_cast<double>(c.head_dim);
  const double part = width / whole;
  return std::floor(whole * part) == width ? part : std::nextafter(part, 1.0);
}

// Under the oldest name of its kind and with nothing but the factors, as the makers' first readers
// demand (configuration_phi3.py, _rope_scaling_validation).
Json longrope_settings(const Config& c, Json& model) {
  const RopeScaling& s = c.rope_scaling;
  model["original_max_position_embeddings"] = s.original_context;
  Json j = {{"type", "longrope"},
            {"short_factor", decimals(s.divisors, s.factor)},
            {"long_factor", decimals(s.long_divisors, s.factor)}};
  const double usual = longrope_attention(context_ratio(c), s.original_context);
  if (s.attention != static_cast<float>(usual))
    j["attention_factor"] = shortest(static_cast<double>(s.attention));
  return j;
}

}  // namespace

void rope_to_hf(const Config& c, Json& json) {
  if (c.rope_width() == 0) return;
  const RopeScaling& s = c.rope_scaling;
  json["rope_theta"] = shortest(c.rope_base);
  if (c.rope_width() != c.head_dim) json["partial_rotary_factor"] = rotary_part(c);
  if (s.kind == "linear" || s.kind == "dynamic")
    json["rope_scaling"] = {{"rope_type", s.kind},
                            {"factor", shortest(static_cast<double>(s.factor))}};
  else if (s.kind == "yarn")
    json["rope_scaling"] = yarn_settings(s);
  else if (s.kind == "longrope")
    json["rope_scaling"] = longrope_settings(c, json);
  else if (!s.divisors.empty())
    json["rope_scaling"] = llama3_settings(c);
  else if (s.attention != 1)
    throw Error("config.json cannot say an attention factor without a rotary scaling");
}

}  // namespace bantam::models
