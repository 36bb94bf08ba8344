// OpenELM (Mehta et al. 2024, arXiv:2404.14619, section 2): pre-norm blocks with RMSNorm on each
// head of q and k, SwiGLU, and heads and widths that grow from layer to layer. Semantics after
// Apple's modeling_openelm.py and configuration_openelm.py (apple/OpenELM-270M); GGUF names after
// llama.cpp, src/models/openelm.cpp.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::openelm {

namespace {

constexpr std::string_view kTypes[] = {"openelm"};
constexpr Storage kStorage{.embedding = "transformer.token_embeddings",
                           .layers = "transformer.layers.",
                           .norm = "transformer.norm"};
constexpr double kEps = 1e-6;  // a constant of the makers' code

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const LayerConfig layer = c.layer(l);
  const std::int64_t d = c.width, f = layer.feed_forward;
  list.gain("attn_norm", "attn_norm", d, w.attention_norm.gain);
  list.fused_attention(w.attention, layer, Fused::everywhere, "attn.qkv_proj", "attn.out_proj");
  list.gain("attn_q_norm", "attn.q_norm", c.head_dim, w.attention.q_norm);
  list.gain("attn_k_norm", "attn.k_norm", c.head_dim, w.attention.k_norm);
  list.gain("ffn_norm", "ffn_norm", d, w.feed_forward_norm.gain);
  const std::size_t from = list.size();
  list.linear("ffn_gate", "", {f, d}, w.feed_forward.gate, false);
  list.linear("ffn_up", "", {f, d}, w.feed_forward.up, false);
  list.fuse(from, Fused::folder, "", "ffn.proj_1");
  list.linear("ffn_down", "ffn.proj_2", {d, f}, w.feed_forward.down, false, 0, true);
}

Config from_gguf(const GgufFile& file) { return GgufKeys(file, "openelm").common(); }

// The multiple of `divisor` nearest to `value`, never under 90 % of it (make_divisible).
std::int64_t make_divisible(double value, std::int64_t divisor) {
  const auto d = static_cast<double>(divisor);
  const double near = std::max(d, std::floor(std::floor(value + d / 2) / d) * d);
  return static_cast<std::int64_t>(near < 0.9 * value ? near + d : near);
}

// A number for each layer.
template <class T>
std::vector<T> for_each_layer(const std::optional<std::vector<T>>& values, std::int64_t layers,
                              const HfKeys& keys, const char* name) {
  if (!values || static_cast<std::int64_t>(values->size()) != layers)
    throw Error("a number for each of " + std::to_string(layers) + " layers was expected")
        .in(keys.file())
        .field(name);
  return *values;
}

Config from_hf(const Json& json, const std::string& file) {
  const HfKeys keys(json, file);
  keys.expect("activation_fn_name", "swish");
  keys.expect("normalization_layer_name", "rms_norm");
  keys.expect_flag("ffn_with_glu", true);
  keys.expect_flag("normalize_qk_projections", true);
  const std::int64_t layers = keys.need("num_transformer_layers"), width = keys.need("model_dim");
  const std::int64_t divisor = keys.integer("ffn_dim_divisor", 256);
  const auto heads =
      for_each_layer(keys.integers("num_query_heads"), layers, keys, "num_query_heads");
  const auto stored = for_each_layer(keys.integers("num_kv_heads"), layers, keys, "num_kv_heads");
  const auto wider =
      for_each_layer(keys.numbers("ffn_multipliers"), layers, keys, "ffn_multipliers");
  std::vector<LayerConfig> by_layer;
  LayerConfig most;
  for (std::size_t l = 0; l < heads.size(); ++l) {
    if (!(wider[l] > 0 && wider[l] < 1000) || divisor < 1 || divisor > (1 << 20))
      throw Error("multipliers and a divisor from 1 were expected")
          .in(file)
          .field("ffn_multipliers");
    const double product = wider[l] * static_cast<double>(width);
    by_layer.push_back({heads[l], stored[l], make_divisible(product, divisor)});
    most.heads = std::max(most.heads, heads[l]);
    most.kv_heads = std::max(most.kv_heads, stored[l]);
    most.feed_forward = std::max(most.feed_forward, by_layer.back().feed_forward);
  }
  const Json usual = {{"num_hidden_layers", layers},
                      {"hidden_size", width},
                      {"num_attention_heads", most.heads},
                      {"head_dim", keys.integer("head_dim", 128)},
                      {"intermediate_size", most.feed_forward},
                      {"vocab_size", keys.need("vocab_size")},
                      {"max_position_embeddings", keys.integer("max_context_length", 2048)},
                      {"rms_norm_eps", kEps},
                      {"rope_theta", keys.number("rope_freq_constant", 10000)},
                      {"tie_word_embeddings", keys.flag("share_input_output_layers", true)}};
  Config c = HfKeys(usual, file).common("openelm");
  c.kv_heads = most.kv_heads;
  c.by_layer = std::move(by_layer);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  write_common_keys(c, writer);
  writer.set("openelm.rope.dimension_count", static_cast<std::uint32_t>(c.head_dim));
}

Json to_hf(const Config& c) {
  if (static_cast<float>(c.eps) != static_cast<float>(kEps) || !c.rope_scaling.kind.empty())
    throw Error("a folder of this architecture cannot say its epsilon or rotary scaling")
        .field("layer_norm_rms_epsilon, rope.scaling.type");
  Json heads = Json::array(), stored = Json::array(), wider = Json::array();
  std::int64_t divisor = 0;
  const auto width = static_cast<double>(c.width);
  for (std::int64_t l = 0; l < c.layers; ++l) {
    const LayerConfig layer = c.layer(l);
    heads.push_back(layer.heads);
    stored.push_back(layer.kv_heads);
    wider.push_back(static_cast<double>(layer.feed_forward) / width);
    divisor = std::gcd(divisor, layer.feed_forward);
  }
  const auto head = static_cast<double>(c.head_dim);
  const double first = static_cast<double>(c.layer(0).heads) * head / width;
  const double last = static_cast<double>(c.layer(c.layers - 1).heads) * head / width;
  return {{"architectures", {"OpenELMForCausalLM"}},
          {"model_type", "openelm"},
          {"num_transformer_layers", c.layers},
          {"model_dim", c.width},
          {"head_dim", c.head_dim},
          {"num_query_heads", heads},
          {"num_kv_heads", stored},
          {"num_gqa_groups", c.layer(0).heads / c.layer(0).kv_heads},
          {"qkv_multipliers", {first, last}},
          {"ffn_multipliers", wider},
          {"ffn_dim_divisor", divisor},
          {"ffn_with_glu", true},
          {"activation_fn_name", "swish"},
          {"normalization_layer_name", "rms_norm"},
          {"normalize_qk_projections", true},
          {"share_input_output_layers", c.tied},
          {"rope_freq_constant", shortest(c.rope_base)},
          {"rope_max_length", c.context},
          {"max_context_length", c.context},
          {"vocab_size", c.vocabulary}};
}

}  // namespace

Family family() {
  return {"openelm",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block);
          }};
}

}  // namespace bantam::models::openelm
