#include "models/weight_list.h"

namespace bantam {

void WeightList::enter(std::string gguf, std::string hf) {
  gguf_ = std::move(gguf);
  hf_ = std::move(hf);
}

void WeightList::matrix(const char* gguf, const char* hf, Shape shape, Role role, Tensor& to) {
  all_.push_back({gguf_ + gguf + ".weight", hf_ + hf + ".weight", shape, role, &to});
}

void WeightList::linear(const char* gguf, const char* hf, Shape shape, nn::Linear& to, bool bias,
                        std::int64_t rotary, bool residual) {
  if (!storage_.interleaved) rotary = 0;
  matrix(gguf, hf, shape, Role::linear, to.w);
  all_.back().rotary_heads = rotary;
  all_.back().residual = residual;
  if (!bias) return;
  all_.push_back({gguf_ + gguf + ".bias", hf_ + hf + ".bias", {shape[0]}, Role::bias, &to.bias});
  all_.back().rotary_heads = rotary;
}

void WeightList::gain(const char* gguf, const char* hf, std::int64_t width, Tensor& to) {
  matrix(gguf, hf, {width}, Role::gain, to);
  all_.back().less_one = storage_.less_one;
}

void WeightList::attention(nn::AttentionWeights& to, const LayerConfig& layer) {
  const Config& c = config_;
  const std::int64_t d = c.width, q = layer.heads * c.head_dim, kv = layer.kv_heads * c.head_dim;
  linear("attn_q", "self_attn.q_proj", {q, d}, to.q, c.attention_bias, layer.heads);
  linear("attn_k", "self_attn.k_proj", {kv, d}, to.k, c.attention_bias, layer.kv_heads);
  linear("attn_v", "self_attn.v_proj", {kv, d}, to.v, c.attention_bias);
  linear("attn_output", "self_attn.o_proj", {d, q}, to.out, c.output_bias, 0, true);
}

void WeightList::gated(nn::FeedForwardWeights& to, const LayerConfig& layer) {
  const std::int64_t d = config_.width, f = layer.feed_forward;
  linear("ffn_gate", "mlp.gate_proj", {f, d}, to.gate, config_.feed_forward_bias);
  linear("ffn_up", "mlp.up_proj", {f, d}, to.up, config_.feed_forward_bias);
  linear("ffn_down", "mlp.down_proj", {d, f}, to.down, config_.feed_forward_bias, 0, true);
}

}  // namespace bantam
