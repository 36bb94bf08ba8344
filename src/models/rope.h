// Rotary positions as a model's files describe them: the base, how frequencies are stretched beyond
// the context of the first training, and the frequencies that come of it. Everything that depends
// on the length of a run is fixed when the model is opened (Config::run_context).
//
// Semantics after transformers, src/transformers/modeling_rope_utils.py, and llama.cpp,
// src/llama-context.cpp and ggml/src/ggml-cpu/ops.cpp (rope_yarn). Numbers are kept as GGUF keeps
// them, so that a file in either world gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "ops/ops.h"

namespace bantam::files {
class GgufWriter;
}

namespace bantam::models {

struct Config;
class GgufKeys;
class HfKeys;

struct RopeScaling {
  // "" (none, or only divisors), "linear", "dynamic" (NTK), "yarn" (Peng et al. 2023,
  // arXiv:2309.00071), "llama3", "longrope" (Ding et al. 2024, arXiv:2402.13753).
  std::string kind;
  float factor = 1;     // frequencies are divided by it (dynamic: grows with the context)
  float attention = 1;  // cosines and sines are multiplied by it, and by what YaRN itself says
  double low_factor = 1, high_factor = 4;  // llama3
  float beta_fast = 32, beta_slow = 1;     // yarn: turns within the original context
  bool truncate = true;                    // yarn: the bounds of its ramp are whole pairs
  std::int64_t original_context = 0;
  // Of the frequency of each pair: what GGUF's rope_freqs.weight holds (llama3), or longrope's for
  // runs within the original context, and beyond it.
  std::vector<float> divisors, long_divisors;
};

// What `config` says, as the op takes it; without frequencies when nothing turns.
ops::Rope rope_of(const Config& config);
// The same of layers with a window, where they turn on a base of their own.
ops::Rope local_rope_of(const Config& config);
// For a run longer than the trained context of a model that has no scaling of its own: YaRN with the
// factor that the run needs, so that far positions turn no further than the trained ones did. No
// effect where nothing turns, the model has a scaling, or the run is within the trained context.
void stretch_rope(Config& config);
// Throws Error naming `file` when the settings do not fit each other.
void check_rope(const Config& config, const std::string& file);

// Reads base, scaling and width from GGUF keys and tensors; writes the keys.
void rope_from_gguf(Config& config, const GgufKeys& keys);
void rope_to_gguf(const Config& config, GgufWriter& writer);
// The tensors of one row that GGUF has beside the weights.
std::vector<std::pair<std::string, std::span<const float>>> rope_tensors(const Config& config);

// Reads rope_theta with rope_scaling, or both from rope_parameters (newer), and
// partial_rotary_factor; writes the older form, which all versions read.
void rope_from_hf(Config& config, const HfKeys& keys);
void rope_to_hf(const Config& config, Json& json);

// Divisors of the rotary frequencies under Llama 3's scaling, rounded to f32 as GGUF stores them.
std::vector<float> llama3_divisors(double base, std::int64_t width, const RopeScaling& scaling);

}  // namespace bantam::models
