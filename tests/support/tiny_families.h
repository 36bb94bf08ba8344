// Every family as a tiny model: a row here puts it into the tests that hold for all of them (the
// same bytes however it is run, both worlds and back, gradients).
#pragma once

#include <cmath>
#include <iterator>

#include "support/tiny_model.h"

namespace bantam::test {

struct TinyFamily {
  const char* name;
  void (*change)(Config&);  // from the tiny Llama
};

namespace tiny {

inline constexpr std::int64_t kWindow = 9;

inline void window(Config& c, std::int64_t window, auto&& has_it) {
  c.window = window;
  for (std::int64_t l = 0; l < c.layers; ++l)
    c.own_layers()[static_cast<std::size_t>(l)].window = has_it(l) ? window : 0;
}

inline void as_gemma(Config& c, const char* family) {
  c.family = family;
  c.head_dim = 24;
  c.tied = true;
  c.embedding_scale = std::sqrt(static_cast<double>(c.width));
}

inline void with_layer_norm(Config& c, std::int64_t rope_dim) {
  c.layer_norm = true;
  c.rope_dim = rope_dim;
}

}  // namespace tiny

inline constexpr TinyFamily kTinyFamilies[] = {
    {"llama", [](Config&) {}},
    {"llama_with_biases",
     [](Config& c) { c.attention_bias = c.output_bias = c.feed_forward_bias = true; }},
    {"mistral", [](Config& c) { c.window = tiny::kWindow; }},
    {"qwen2",
     [](Config& c) {
       c.family = "qwen2";
       c.attention_bias = true;
       c.tied = true;
     }},
    {"qwen2_late_windows",
     [](Config& c) {
       c.family = "qwen2";
       c.attention_bias = true;
       c.layers = 3;
       tiny::window(c, tiny::kWindow, [](std::int64_t l) { return l >= 1; });
     }},
    {"qwen3",
     [](Config& c) {
       c.family = "qwen3";
       c.head_dim = 24;
     }},
    {"gemma",
     [](Config& c) {
       tiny::as_gemma(c, "gemma");
       c.kv_heads = 1;
     }},
    {"gemma2",
     [](Config& c) {
       tiny::as_gemma(c, "gemma2");
       tiny::window(c, tiny::kWindow, [](std::int64_t l) { return l % 2 == 0; });
       c.attention_cap = 4;
       c.logit_cap = 9;
     }},
    {"gemma3",
     [](Config& c) {
       tiny::as_gemma(c, "gemma3");
       c.layers = 6;
       tiny::window(c, tiny::kWindow, [](std::int64_t l) { return l != 5; });
       c.rope_base = 1e6;
       c.rope_local_base = 1e4;
       c.rope_scaling.kind = "linear";
       c.rope_scaling.factor = 8;
     }},
    {"gemma3_irregular",
     [](Config& c) {
       tiny::as_gemma(c, "gemma3");
       c.layers = 3;
       tiny::window(c, tiny::kWindow, [](std::int64_t l) { return l == 1; });
       c.rope_local_base = 2e4;
     }},
    {"olmo2", [](Config& c) { c.family = "olmo2"; }},
    {"olmo3",
     [](Config& c) {
       c.family = "olmo2";
       c.layers = 4;
       tiny::window(c, tiny::kWindow, [](std::int64_t l) { return l != 3; });
       c.rope_local_base = c.rope_base;
     }},
    {"smollm3",
     [](Config& c) {
       c.family = "smollm3";
       c.layers = 4;
       c.own_layers()[3].rotary = false;
     }},
    {"granite",
     [](Config& c) {
       c.family = "granite";
       c.attention_scale = 0.125;
       c.embedding_scale = 6;
       c.residual_scale = 0.35;
       c.logit_scale = 0.75;
     }},
    {"phi3",
     [](Config& c) {
       c.family = "phi3";
       c.window = tiny::kWindow;
     }},
    {"phi3_longrope",
     [](Config& c) {
       c.family = "phi3";
       c.tied = true;
       c.rope_dim = 12;
       c.rope_scaling.kind = "longrope";
       c.rope_scaling.original_context = 32;
       c.rope_scaling.attention = 1.25f;
       c.rope_scaling.divisors = {1, 1.125f, 1.25f, 1.5f, 1.75f, 2};
       c.rope_scaling.long_divisors = {1, 1.5f, 2, 3, 4, 6};
     }},
    {"phi2",
     [](Config& c) {
       c.family = "phi2";
       tiny::with_layer_norm(c, 8);
       c.activation = Activation::gelu_tanh;
       c.attention_bias = c.output_bias = c.feed_forward_bias = c.head_bias = true;
     }},
    {"gpt2",
     [](Config& c) {
       c.family = "gpt2";
       tiny::with_layer_norm(c, 0);
       c.activation = Activation::gelu_tanh;
       c.kv_heads = c.heads;
       c.learned_positions = c.tied = true;
       c.attention_bias = c.output_bias = c.feed_forward_bias = true;
     }},
    {"gpt2_own_head",
     [](Config& c) {
       c.family = "gpt2";
       tiny::with_layer_norm(c, 0);
       c.activation = Activation::gelu_tanh;
       c.kv_heads = c.heads;
       c.learned_positions = true;
       c.attention_bias = c.output_bias = c.feed_forward_bias = true;
     }},
    {"stablelm",
     [](Config& c) {
       c.family = "stablelm";
       tiny::with_layer_norm(c, 4);
       c.attention_bias = true;
     }},
    {"stablelm_parallel",
     [](Config& c) {
       c.family = "stablelm";
       tiny::with_layer_norm(c, 8);
       c.parallel = c.qk_norm = true;
     }},
    {"nemotron",
     [](Config& c) {
       c.family = "nemotron";
       tiny::with_layer_norm(c, 8);
       c.head_dim = 24;
       c.activation = Activation::relu2;
     }},
    {"nemotron_with_biases",
     [](Config& c) {
       c.family = "nemotron";
       tiny::with_layer_norm(c, 8);
       c.activation = Activation::relu2;
       c.attention_bias = c.output_bias = c.feed_forward_bias = true;
     }},
    {"bitnet", [](Config& c) { c.family = "bitnet"; }},
    {"bitnet_b158",
     [](Config& c) {
       c.family = "bitnet-b1.58";
       c.activation = Activation::relu2;
       c.tied = true;
     }},
    {"bitnet_25",
     [](Config& c) {
       c.family = "bitnet-25";
       c.activation = Activation::relu2;
     }},
    {"llama_yarn",
     [](Config& c) {
       c.rope_scaling.kind = "yarn";
       c.rope_scaling.factor = 4;
       c.rope_scaling.original_context = 32;
     }},
    {"openelm",
     [](Config& c) {
       c.family = "openelm";
       c.layers = 3;
       c.eps = 1e-6;
       c.tied = true;
       c.heads = 6;
       c.kv_heads = 2;
       c.feed_forward = 64;
       c.by_layer = {{2, 1, 32}, {4, 2, 48}, {6, 2, 64}};
     }},
};

// The name of a test that is run for each of them.
inline std::string family_name(const ::testing::TestParamInfo<TinyFamily>& info) {
  return info.param.name;
}

}  // namespace bantam::test
