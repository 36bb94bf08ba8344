// Which layers look through a window: read from both worlds and written to them.
//
// A period p says it for regular models: in each run of p layers all but the last have the window
// (llama.cpp, src/llama-hparams.cpp, set_swa_pattern; transformers: sliding_window_pattern). 0:
// all.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rooms.h"
#include "models/keys.h"

namespace bantam::models {

// One for each layer: whether it has the window, by a period.
std::vector<bool> windowed_layers(std::int64_t layers, std::int64_t period);
// Gives these layers of `config` a window of so many positions, the others none.
void set_windows(Config& config, std::int64_t window, const std::vector<bool>& windowed);

// attention.sliding_window (without it: `window`) and attention.sliding_window_pattern, a period or
// an array (without it: `period`).
void windows_from_gguf(Config& config, const GgufKeys& keys, std::int64_t window,
                       std::int64_t period);
// The same keys; the pattern only where it is not of this period.
void windows_to_gguf(const Config& config, GgufWriter& writer, std::int64_t period);

// sliding_window with layer_types; without these `otherwise` says which layers have it.
void windows_from_hf(Config& config, const HfKeys& keys, const std::vector<bool>& otherwise);
// sliding_window and layer_types, and the period where there is one.
void windows_to_hf(const Config& config, Json& json);
// Newer folders keep rope_parameters by kind of layer: `json` with those of full_attention in their
// place. The base of sliding_attention, which must not be stretched, goes to `local_base` if named.
Json with_rope_of_full_layers(const Json& json, const std::string& file, double& local_base);
// The same under Qwen's use_sliding_window, with max_window_layers for the first layer that has it.
void late_windows_from_hf(Config& config, const HfKeys& keys);
void late_windows_to_hf(const Config& config, Json& json);

}  // namespace bantam::models
