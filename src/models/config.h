// What a model is, beside its weights: read from GGUF keys or config.json, written to both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bantam {

// How rotary frequencies are stretched beyond the trained context.
struct RopeScaling {
  std::string kind;  // "" (none or only divisors), "linear", "llama3"
  double factor = 1;
  double low_factor = 1, high_factor = 4;  // llama3
  std::int64_t original_context = 0;
  std::vector<float> divisors;  // one for each pair: what GGUF's rope_freqs.weight holds
};

struct Config {
  std::string family;  // GGUF's architecture name
  std::string name;    // general.name, or empty
  std::int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t feed_forward = 0, vocabulary = 0, context = 0;
  double eps = 1e-5;
  double rope_base = 10000;
  RopeScaling rope_scaling;
  std::int64_t window = 0;  // sliding attention window, 0: none
  bool tied = false;        // the embedding is the output head
  bool attention_bias = false, output_bias = false, feed_forward_bias = false;

  // Throws Error naming `file` and the field that is out of its range or does not fit the others.
  void check(const std::string& file) const;
};

// Radians a position for each rotary pair of `config`.
std::shared_ptr<const std::vector<double>> rope_frequencies(const Config& config);

}  // namespace bantam
