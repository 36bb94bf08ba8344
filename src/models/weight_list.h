// The list of a model's weights, as its family writes it down: each with its names in both worlds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "models/model.h"

namespace bantam::models {

// How the files of a family name and keep what most decoders have.
struct Storage {
  bool interleaved = false;  // GGUF keeps rotary rows of q and k as neighbours
  bool less_one = false;     // folders keep gains less one
  bool transposed = false;   // folders keep linear weights input by output
  // Names in folders, without ".weight"; in GGUF they are token_embd, blk.N., output_norm, output.
  const char* embedding = "model.embed_tokens";
  const char* positions = "";
  const char* layers = "model.layers.";
  const char* norm = "model.norm";
  const char* head = "lm_head";
};

// Which worlds keep several linear weights as one tensor, one below the other.
enum class Fused : std::uint8_t { nowhere, gguf, folder, everywhere };

class WeightList {
 public:
  WeightList(const Config& config, const Storage& storage) : config_(config), storage_(storage) {}

  // The names that follow stand behind these.
  void enter(std::string gguf, std::string hf);
  // Names are without ".weight". `rotary`: heads whose rows turn in pairs.
  void table(const char* gguf, const char* hf, Shape shape, Role role, Tensor& to);
  void matrix(const char* gguf, const char* hf, Shape shape, Role role, Weight& to);
  void linear(const char* gguf, const char* hf, Shape shape, nn::Linear& to, bool bias,
              std::int64_t rotary = 0, bool residual = false);
  void gain(const char* gguf, const char* hf, std::int64_t width, Tensor& to);
  void bias(const char* gguf, const char* hf, std::int64_t width, Tensor& to);
  // LayerNorm: a gain and a bias.
  void norm(const char* gguf, const char* hf, std::int64_t width, nn::Norm& to);
  // A gain for each head: one tensor [heads, width] in GGUF, in folders one each, HF0, HF1, ...
  void head_gains(const char* gguf, const std::string& hf, std::int64_t heads, std::int64_t width,
                  std::vector<Tensor>& to);
  // The weights listed since there were `from` of them (and their biases) are parts of one tensor.
  void fuse(std::size_t from, Fused fused, const char* gguf, const char* hf);
  std::size_t size() const { return all_.size(); }
  // attn_q, attn_k, attn_v, attn_output; q_proj, ... of self_attn.
  void attention(nn::AttentionWeights& to, const LayerConfig& layer);
  // The same with q, k and v as parts of attn_qkv.
  void fused_attention(nn::AttentionWeights& to, const LayerConfig& layer, Fused fused,
                       const char* hf_qkv, const char* hf_out);
  // ffn_gate, ffn_up, ffn_down; gate_proj, ... of mlp.
  void gated(nn::FeedForwardWeights& to, const LayerConfig& layer);

  std::vector<WeightSpec> take() { return std::move(all_); }

 private:
  const Config& config_;
  const Storage& storage_;
  std::string gguf_, hf_;
  std::vector<WeightSpec> all_;
};

}  // namespace bantam::models
