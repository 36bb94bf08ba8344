#include "models/weight_list.h"

#include "base/error.h"

namespace bantam::models {

void WeightList::enter(std::string gguf, std::string hf) {
  gguf_ = std::move(gguf);
  hf_ = std::move(hf);
}

void WeightList::table(const char* gguf, const char* hf, Shape shape, Role role, Tensor& to) {
  all_.push_back({gguf_ + gguf + ".weight", hf_ + hf + ".weight", shape, role, &to});
}

void WeightList::matrix(const char* gguf, const char* hf, Shape shape, Role role, Weight& to) {
  all_.push_back({gguf_ + gguf + ".weight", hf_ + hf + ".weight", shape, role, nullptr, &to});
}

void WeightList::linear(const char* gguf, const char* hf, Shape shape, nn::Linear& to,
                        bool has_bias, std::int64_t rotary, bool residual) {
  if (!storage_.interleaved) rotary = 0;
  if (rotary > 0 && config_.rope_width() != config_.head_dim)
    throw Error("rotary positions on a part of each head are not supported in this architecture")
        .field("rotary width (rope.dimension_count, partial_rotary_factor)");
  matrix(gguf, hf, shape, Role::linear, to.w);
  all_.back().linear = &to;
  all_.back().rotary_heads = rotary;
  all_.back().residual = residual;
  all_.back().transposed = storage_.transposed;
  if (!has_bias) return;
  bias(gguf, hf, shape[0], to.bias);
  all_.back().rotary_heads = rotary;
}

void WeightList::gain(const char* gguf, const char* hf, std::int64_t width, Tensor& to) {
  table(gguf, hf, {width}, Role::gain, to);
  all_.back().less_one = storage_.less_one;
}

void WeightList::norm(const char* gguf, const char* hf, std::int64_t width, nn::Norm& to) {
  gain(gguf, hf, width, to.gain);
  bias(gguf, hf, width, to.bias);
}

void WeightList::bias(const char* gguf, const char* hf, std::int64_t width, Tensor& to) {
  all_.push_back({gguf_ + gguf + ".bias", hf_ + hf + ".bias", {width}, Role::bias, &to});
}

void WeightList::head_gains(const char* gguf, const std::string& hf, std::int64_t heads,
                            std::int64_t width, std::vector<Tensor>& to) {
  to.resize(static_cast<std::size_t>(heads));
  for (std::int64_t h = 0; h < heads; ++h) {
    gain(gguf, (hf + std::to_string(h)).c_str(), width, to[static_cast<std::size_t>(h)]);
    all_.back().gguf_part = {{heads, width}, h};
  }
}

void WeightList::fuse(std::size_t from, Fused fused, const char* gguf, const char* hf) {
  if (fused == Fused::nowhere) return;
  for (const bool bias : {false, true}) {
    const char* const end = bias ? ".bias" : ".weight";
    std::int64_t rows = 0;
    for (std::size_t i = from; i < all_.size(); ++i)
      if ((all_[i].role == Role::bias) == bias) rows += all_[i].shape[0];
    std::int64_t first = 0;
    for (std::size_t i = from; i < all_.size(); ++i) {
      WeightSpec& w = all_[i];
      if ((w.role == Role::bias) != bias) continue;
      const Part part{bias ? Shape{rows} : Shape{rows, w.shape[1]}, first};
      first += w.shape[0];
      if (fused != Fused::folder) {
        w.gguf = gguf_ + gguf + end;
        w.gguf_part = part;
      }
      if (fused != Fused::gguf) {
        w.hf = hf_ + hf + end;
        w.hf_part = part;
      }
    }
  }
}

void WeightList::attention(nn::AttentionWeights& to, const LayerConfig& layer) {
  fused_attention(to, layer, Fused::nowhere, "", "self_attn.o_proj");
}

void WeightList::fused_attention(nn::AttentionWeights& to, const LayerConfig& layer, Fused fused,
                                 const char* hf_qkv, const char* hf_out) {
  const Config& c = config_;
  const std::int64_t d = c.width, q = layer.heads * c.head_dim, kv = layer.kv_heads * c.head_dim;
  const std::size_t from = size();
  linear("attn_q", "self_attn.q_proj", {q, d}, to.q, c.attention_bias, layer.heads);
  linear("attn_k", "self_attn.k_proj", {kv, d}, to.k, c.attention_bias, layer.kv_heads);
  linear("attn_v", "self_attn.v_proj", {kv, d}, to.v, c.attention_bias);
  fuse(from, fused, "attn_qkv", hf_qkv);
  linear("attn_output", hf_out, {d, q}, to.out, c.output_bias, 0, true);
}

void WeightList::gated(nn::FeedForwardWeights& to, const LayerConfig& layer) {
  const std::int64_t d = config_.width, f = layer.feed_forward;
  linear("ffn_gate", "mlp.gate_proj", {f, d}, to.gate, config_.feed_forward_bias);
  linear("ffn_up", "mlp.up_proj", {f, d}, to.up, config_.feed_forward_bias);
  linear("ffn_down", "mlp.down_proj", {d, f}, to.down, config_.feed_forward_bias, 0, true);
}

}  // namespace bantam::models
