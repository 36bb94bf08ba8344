// An adapter: what fine-tuning adds to the weights of a model, apart from them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/model.h"

namespace bantam::adapt {

// What is added to one weight W [N,K]: scale * b a (Hu et al. 2021, "LoRA", equation 3). Rows are as
// the model has them.
struct LowRankUpdate {
  Tensor a, b;       // f32 [r,K], [N,r]
  Tensor magnitude;  // f32 [N] of DoRA, or none: the length that each row of W + scale b a gets
  float scale = 1;
  std::int64_t rank() const { return a.dim(0); }
};

struct Adapter {
  std::string file;                              // as errors name it
  std::map<std::string, LowRankUpdate> updates;  // by WeightSpec::own_name()
  // Weights that the adapter brings whole (f32), in place of the model's, by whole_name(). One for a
  // tied embedding leaves the head as it was, and the other way round (as PEFT computes, unless
  // ensure_weight_tying says otherwise): then both are here.
  std::map<std::string, Tensor> whole;
  std::int64_t rank = 0;
  double alpha = 0;
  bool rank_stabilised = false;  // scale = alpha / sqrt(rank) (Kalajdzievski 2023), not alpha / rank
  std::string base;              // what it was made for, as its file says
  // What it was trained under: the SHA-256 of the chat template (empty: not known), and that
  // template itself where it is not the model's own.
  std::string template_sum, chat_template;

  bool magnitudes() const {
    for (const auto& [name, update] : updates)
      if (update.magnitude) return true;
    return false;
  }
};

// A weight's name among those that are brought whole: its own, but a tied head has one too.
std::string whole_name(const WeightSpec& w);

// A SHA-256 of all its numbers, in hex.
std::string digest(const Adapter& adapter);

float low_rank_scale(double alpha, std::int64_t rank, bool rank_stabilised);

// PEFT's folder (adapter_config.json and adapter_model.safetensors), or an adapter as GGUF, for this
// model: each tensor must belong to a weight of it. Throws Error with file and field: a kind that is
// not LoRA, a weight that the model has not, a shape that does not fit, half of a pair.
Adapter read_adapter(const Path& path, Model& model);

// Writes either, by the extension of `path`; a folder appears whole. Throws Error for what the form
// cannot hold (GGUF: magnitudes).
void write_adapter(const Adapter& adapter, Model& model, const Path& path, bool replace);

// Throws Error when the chat template (the adapter's own, or where it has none the model's) is another than the adapter
// was trained under: what the model is then asked is not what it has learnt to answer.
void check_template(const Adapter& adapter, const std::string& model_template);
// The chat template that an adapter brings with it (chat_template.jinja in a folder); empty where it
// has none of its own. Throws Error when there is no such adapter.
std::string template_of(const Path& path);
// The SHA-256 of a text, in hex.
std::string text_sum(const std::string& text);

// The names of the weights that adapters change when nothing else is said: every linear layer but
// the head. By PEFT's names of the modules ("q_proj"), or all where `targets` is empty. Throws Error
// for a target that the model has not.
std::vector<std::string> adapted_weights(Model& model, const std::vector<std::string>& targets);

}  // namespace bantam::adapt
