// What a model is, beside its weights: read from GGUF keys or config.json, written to both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "models/rope.h"

namespace bantam::models {

// What may differ from layer to layer.
struct LayerConfig {
  std::int64_t heads = 0, kv_heads = 0, feed_forward = 0;
  std::int64_t window = 0;  // sliding attention window (itself and those before it), 0: none
  bool rotary = true;       // q and k turn with their positions
  friend bool operator==(const LayerConfig&, const LayerConfig&) = default;
};

// Whether the linear weights of a folder are packed (models/ternary.h), and what their scale does.
enum class Ternary : std::uint8_t { none, multiplied, divided };

struct Config {
  static constexpr std::int64_t kMostLayers = 4096;

  std::string family;  // GGUF's architecture name
  std::string name;    // general.name, or empty
  std::int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t feed_forward = 0, vocabulary = 0, context = 0;
  double eps = 1e-5;
  bool layer_norm = false;                   // norms subtract the mean and have biases (LayerNorm)
  Activation activation = Activation::silu;  // of the feed-forward block
  double rope_base = 10000;
  std::int64_t rope_dim = -1;  // elements at the front of each head that turn; -1: all, 0: none
  RopeScaling rope_scaling;
  // Rotary base of layers with a window where these are not stretched; 0: as the others.
  double rope_local_base = 0;
  std::int64_t run_context = 0;  // positions of a run, fixed at opening; 0: the trained context
  std::int64_t window = 0;       // sliding attention window, 0: none
  // One for each layer, or empty: every layer is as said here. Where they differ the numbers here
  // are the largest.
  std::vector<LayerConfig> by_layer;
  double attention_scale = 0;               // of the scores; 0: 1 / sqrt(head_dim)
  double attention_cap = 0, logit_cap = 0;  // soft caps, 0: none
  double embedding_scale = 1, residual_scale = 1, logit_scale = 1;  // logits are divided
  bool tied = false;  // the embedding is the output head
  bool attention_bias = false, output_bias = false, feed_forward_bias = false;
  bool head_bias = false;
  bool fused_qkv = false;  // GGUF keeps q, k and v as one tensor where the family usually does not
  bool parallel = false;   // attention and feed-forward block side by side
  bool qk_norm = false;    // norms of q and k, where a family has both kinds
  bool learned_positions = false;  // a table of `context` rows, added to the embedding
  Ternary ternary = Ternary::none;

  std::int64_t rope_width() const { return rope_dim < 0 ? head_dim : rope_dim; }
  LayerConfig layer(std::int64_t l) const;
  // by_layer, filled with what every layer is if it was empty.
  std::vector<LayerConfig>& own_layers();
  // Throws Error naming `file` and the field that is out of its range or does not fit the others.
  void check(const std::string& file) const;

 private:
  void check_layers(const std::string& file) const;
  void check_scales(const std::string& file) const;
};

}  // namespace bantam::models
