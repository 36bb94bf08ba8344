#include "models/config.h"

#include <cmath>

#include "base/error.h"
#include "kernels/math.h"

namespace bantam {

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

void Config::check(const std::string& file) const {
  range(file, "layers (block_count, num_hidden_layers)", layers, 4096);
  range(file, "width (embedding_length, hidden_size)", width, 1 << 17);
  range(file, "heads (attention.head_count, num_attention_heads)", heads, 1 << 12);
  range(file, "stored heads (attention.head_count_kv, num_key_value_heads)", kv_heads, heads);
  divides(file, "stored heads (attention.head_count_kv, num_key_value_heads)", kv_heads, heads);
  range(file, "head width (attention.key_length, head_dim)", head_dim, 1 << 12);
  range(file, "feed forward (feed_forward_length, intermediate_size)", feed_forward, 1 << 20);
  range(file, "vocabulary (vocab_size)", vocabulary, 1 << 24);
  range(file, "context (context_length, max_position_embeddings)", context, 1 << 28);
  if (head_dim % 2 != 0)
    throw Error("rotary positions need an even number, not " + std::to_string(head_dim))
        .in(file)
        .field("head width (attention.key_length, head_dim)");
  if (!(eps > 0 && eps < 1))
    throw Error("a number between 0 and 1 was expected, not " + std::to_string(eps))
        .in(file)
        .field("epsilon (layer_norm_rms_epsilon, rms_norm_eps)");
  if (!(rope_base >= 1 && rope_base < 1e15))
    throw Error("a number from 1 was expected, not " + std::to_string(rope_base))
        .in(file)
        .field("rotary base (rope.freq_base, rope_theta)");
  if (!rope_scaling.divisors.empty() &&
      static_cast<std::int64_t>(rope_scaling.divisors.size()) != head_dim / 2)
    throw Error("one divisor for each of " + std::to_string(head_dim / 2) +
                " pairs was expected, not " + std::to_string(rope_scaling.divisors.size()))
        .in(file)
        .field("rope_freqs.weight");
}

std::shared_ptr<const std::vector<double>> rope_frequencies(const Config& config) {
  auto frequencies = std::make_shared<std::vector<double>>();
  const RopeScaling& s = config.rope_scaling;
  for (std::int64_t i = 0; i < config.head_dim / 2; ++i) {
    double f = bantam_pow(config.rope_base,
                          -2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim));
    if (s.kind == "linear") f /= s.factor;
    if (!s.divisors.empty()) f /= static_cast<double>(s.divisors[static_cast<std::size_t>(i)]);
    frequencies->push_back(f);
  }
  return frequencies;
}

}  // namespace bantam
