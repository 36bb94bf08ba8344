#include "models/config.h"

#include "base/error.h"

namespace bantam::models {

namespace {

void range(const std::string& file, const char* field, std::int64_t value, std::int64_t most) {
  if (value < 1 || value > most)
    throw Error("a number from 1 to " + std::to_string(most) + " was expected, not " +
                std::to_string(value))
        .in(file)
        .field(field);
}

void divides(const std::string& file, const char* field, std::int64_t part, std::int64_t whole) {
  if (whole % part != 0)
    throw Error(std::to_string(whole) + " heads cannot be shared by " + std::to_string(part))
        .in(file)
        .field(field);
}

}  // namespace

LayerConfig Config::layer(std::int64_t l) const {
  if (by_layer.empty()) return {heads, kv_heads, feed_forward, window, true};
  return by_layer[static_cast<std::size_t>(l)];
}

std::vector<LayerConfig>& Config::own_layers() {
  if (by_layer.empty()) by_layer.assign(static_cast<std::size_t>(layers), layer(0));
  return by_layer;
}

void Config::check(const std::string& file) const {
  range(file, "layers (block_count, num_hidden_layers)", layers, kMostLayers);
  range(file, "width (embedding_length, hidden_size)", width, 1 << 17);
  range(file, "heads (attention.head_count, num_attention_heads)", heads, 1 << 12);
  range(file, "stored heads (attention.head_count_kv, num_key_value_heads)", kv_heads, heads);
  if (by_layer.empty())
    divides(file, "stored heads (attention.head_count_kv, num_key_value_heads)", kv_heads, heads);
  range(file, "head width (attention.key_length, head_dim)", head_dim, 1 << 12);
  range(file, "feed forward (feed_forward_length, intermediate_size)", feed_forward, 1 << 20);
  range(file, "vocabulary (vocab_size)", vocabulary, 1 << 24);
  range(file, "context (context_length, max_position_embeddings)", context, 1 << 28);
  check_layers(file);
  check_scales(file);
  if (!(eps > 0 && eps < 1))
    throw Error("a number between 0 and 1 was expected, not " + std::to_string(eps))
        .in(file)
        .field(
            "epsilon (layer_norm_rms_epsilon, layer_norm_epsilon, rms_norm_eps, layer_norm_eps)");
  check_rope(*this, file);
}

void Config::check_layers(const std::string& file) const {
  const auto check_window = [&](std::int64_t of) {
    if (of < 0 || of > INT32_MAX)
      throw Error("a number of positions from 0 was expected, not " + std::to_string(of))
          .in(file)
          .field("window (attention.sliding_window, sliding_window)");
  };
  check_window(window);
  if (by_layer.empty()) return;
  if (static_cast<std::int64_t>(by_layer.size()) != layers)
    throw Error("settings of " + std::to_string(layers) + " layers were expected, not of " +
                std::to_string(by_layer.size()))
        .in(file);
  for (const LayerConfig& l : by_layer) {
    range(file, "heads of a layer", l.heads, heads);
    range(file, "stored heads of a layer", l.kv_heads, l.heads);
    divides(file, "stored heads of a layer", l.kv_heads, l.heads);
    range(file, "feed forward of a layer", l.feed_forward, feed_forward);
    check_window(l.window);
  }
}

void Config::check_scales(const std::string& file) const {
  struct Scale {
    const char* field;
    double value;
    bool may_be_zero;
  };
  for (const Scale& s : {
           Scale{"attention scale (attention.scale, attention_multiplier, query_pre_attn_scalar)",
                 attention_scale, true},
           Scale{"cap of scores (attn_logit_softcapping)", attention_cap, true},
           Scale{"cap of logits (final_logit_softcapping)", logit_cap, true},
           Scale{"scale of embeddings (embedding_scale, embedding_multiplier)", embedding_scale,
                 false},
           Scale{"scale of blocks (residual_scale, residual_multiplier)", residual_scale, false},
           Scale{"scale of logits (logit_scale, logits_scaling)", logit_scale, false},
           Scale{"local rotary base (rope.freq_base_swa, rope_local_base_freq)", rope_local_base,
                 true},
       }) {
    const bool fits = s.value > 1e-9 && s.value < 1e15;
    if (!fits && !(s.may_be_zero && s.value == 0))
      throw Error("a positive number was expected, not " + std::to_string(s.value))
          .in(file)
          .field(s.field);
  }
}

}  // namespace bantam::models
