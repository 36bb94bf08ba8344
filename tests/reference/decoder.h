// Every family of models as a plain decoder over the tensors of a GGUF file, in double precision or
// in complex numbers (arithmetic.h): what forward, its gradients and what is explained of them are
// compared with. It shares the reading of files, the configuration and the frequencies of rotary
// positions with the program (each has tests of its own), and nothing of its arithmetic.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "blocks/format.h"
#include "models/loader.h"
#include "nn/point.h"
#include "reference/arithmetic.h"

namespace bantam::reference {

// What a family does that its tensors do not say. (They say whether there are norms before and
// after a block, norms of q and k, a gate, biases, learned positions.)
struct Kind {
  std::string_view family;
  bool interleaved;  // pairs that turn are neighbours, as these files keep them
  Activation activation;
};
inline constexpr Kind kKinds[] = {
    {"llama", true, Activation::silu},        {"smollm3", true, Activation::silu},
    {"granite", true, Activation::silu},      {"gemma", false, Activation::gelu_tanh},
    {"gemma2", false, Activation::gelu_tanh}, {"gemma3", false, Activation::gelu_tanh},
    {"nemotron", false, Activation::relu2},   {"gpt2", false, Activation::gelu_tanh},
    {"phi2", false, Activation::gelu_tanh},   {"bitnet-b1.58", false, Activation::relu2},
    {"bitnet-25", false, Activation::relu2},
};

template <class N>
class Decoder {
 public:
  // Sees each point of nn/point.h, and may change what it finds.
  using See = std::function<void(nn::Point, int layer, Matrix<N>&)>;

  explicit Decoder(const ModelFile& file) : config_(file.config()) {
    kind_ = {config_.family, false, Activation::silu};
    for (const Kind& kind : kKinds)
      if (kind.family == config_.family) kind_ = kind;
    for (const TensorInfo& info : file.gguf()->tensors()) {
      std::vector<float> numbers(static_cast<std::size_t>(info.shape.count()));
      info.format->decode(info.data.data(), numbers.data(), info.shape.count());
      tensors_[info.name] = {numbers.begin(), numbers.end()};
    }
  }

  const Config& config() const { return config_; }
  std::vector<N>& tensor(const std::string& name) { return tensors_.at(name); }

  // Logits of every row of one sequence.
  Matrix<N> logits(std::span<const std::int32_t> tokens, const See& see = {}) const {
    see_ = see ? see : [](nn::Point, int, Matrix<N>&) {};
    const auto rows = static_cast<std::int64_t>(tokens.size());
    Matrix<N> x(rows, config_.width);
    const std::span<const N> table = get("token_embd.weight");
    for (std::int64_t t = 0; t < rows; ++t)
      for (std::int64_t d = 0; d < config_.width; ++d)
        x.row(t)[d] = rounded(config_.embedding_scale) *
                      table[at(tokens[static_cast<std::size_t>(t)] * config_.width + d)];
    see_(nn::Point::embedding, 0, x);
    if (has("position_embd.weight")) add(x, get("position_embd.weight").first(x.at.size()));
    for (int l = 0; l < config_.layers; ++l) x = block(l, std::move(x));
    return read_out(x);
  }

  // Logits of rows of the residual stream.
  Matrix<N> read_out(const Matrix<N>& x) const {
    Matrix<N> h = norm("output_norm", x);
    see_(nn::Point::final_norm, 0, h);
    for (N& number : h.at) number /= rounded(config_.logit_scale);
    Matrix<N> y = product(h, get(has("output.weight") ? "output.weight" : "token_embd.weight"),
                          optional("output.bias"));
    for (N& number : y.at) number = capped(number, rounded(config_.logit_cap));
    see_(nn::Point::logits, 0, y);
    return y;
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  // Settings are float32 in the program.
  static double rounded(double setting) { return static_cast<double>(static_cast<float>(setting)); }
  static void add(Matrix<N>& x, std::span<const N> y) {
    for (std::size_t i = 0; i < x.at.size(); ++i) x.at[i] += y[i];
  }
  bool has(const std::string& name) const { return tensors_.contains(name); }
  std::span<const N> get(const std::string& name) const { return tensors_.at(name); }
  std::span<const N> optional(const std::string& name) const {
    return has(name) ? get(name) : std::span<const N>();
  }

  // LayerNorm where the model has it, else RMSNorm.
  Matrix<N> norm(const std::string& name, const Matrix<N>& x) const {
    return normalised(x, x.columns, get(name + ".weight"), optional(name + ".bias"),
                      rounded(config_.eps), config_.layer_norm);
  }
  Matrix<N> norm_if(const std::string& name, Matrix<N> x) const {
    return has(name + ".weight") ? norm(name, x) : x;
  }
  // Rows [first, first + count) of a linear layer; all without a count.
  Matrix<N> linear(const std::string& name, const Matrix<N>& x, std::int64_t first = 0,
                   std::int64_t count = -1) const {
    std::span<const N> w = get(name + ".weight"), bias = optional(name + ".bias");
    if (count >= 0) {
      w = w.subspan(at(first * x.columns), at(count * x.columns));
      if (!bias.empty()) bias = bias.subspan(at(first), at(count));
    }
    return product(x, w, bias);
  }

  // x + attention, then + feed-forward block; on one norm, side by side, where the second is none.
  Matrix<N> block(int l, Matrix<N> x) const {
    const std::string blk = "blk." + std::to_string(l) + ".";
    const double scale = rounded(config_.residual_scale);
    see_(nn::Point::layer_input, l, x);
    const Matrix<N> n = norm_if(blk + "attn_norm", x);
    Matrix<N> input = n;
    see_(nn::Point::attention_input, l, input);
    Matrix<N> a = attention(l, blk, input);
    see_(nn::Point::attention_out, l, a);
    a = norm_if(blk + "post_attention_norm", std::move(a));
    for (std::size_t i = 0; i < x.at.size(); ++i) x.at[i] += scale * a.at[i];
    see_(nn::Point::middle, l, x);
    const bool parallel = has(blk + "attn_norm.weight") && !has(blk + "ffn_norm.weight");
    Matrix<N> f = parallel ? n : norm_if(blk + "ffn_norm", x);
    see_(nn::Point::feed_forward_input, l, f);
    Matrix<N> y = feed_forward(l, blk, f);
    see_(nn::Point::feed_forward_out, l, y);
    y = norm_if(blk + "post_ffw_norm", std::move(y));
    for (std::size_t i = 0; i < x.at.size(); ++i) x.at[i] += scale * y.at[i];
    see_(nn::Point::residual, l, x);
    return x;
  }

  Matrix<N> feed_forward(int l, const std::string& blk, const Matrix<N>& x) const {
    const std::int64_t hidden = config_.layer(l).feed_forward;
    const bool one = config_.family == "phi3";  // gate and up in one tensor
    Matrix<N> y = linear(blk + "ffn_up", x, one ? hidden : 0, hidden);
    if (one || has(blk + "ffn_gate.weight")) {
      const Matrix<N> gate = linear(blk + (one ? "ffn_up" : "ffn_gate"), x, 0, hidden);
      for (std::size_t i = 0; i < y.at.size(); ++i)
        y.at[i] *= activated(kind_.activation, gate.at[i]);
    } else {
      for (N& number : y.at) number = activated(kind_.activation, number);
    }
    see_(nn::Point::feed_forward_hidden, l, y);
    return linear(blk + "ffn_down", norm_if(blk + "ffn_sub_norm", std::move(y)));
  }

  // q, k or v: `first` is its row in a tensor that holds all three.
  Matrix<N> projected(const std::string& blk, const char* which, const Matrix<N>& x,
                      std::int64_t first, std::int64_t count) const {
    if (has(blk + "attn_qkv.weight")) return linear(blk + "attn_qkv", x, first, count);
    return linear(blk + "attn_" + which, x);
  }

  // Norms of q or k: of each head with one gain or one each, or of all heads together.
  Matrix<N> with_norm(const std::string& name, Matrix<N> x) const {
    if (!has(name)) return x;
    const std::span<const N> gain = get(name);
    const bool together =
        !config_.qk_norm && gain.size() == at(x.columns) && config_.family == "olmo2";
    return normalised(x, together ? x.columns : config_.head_dim, gain, std::span<const N>(),
                      rounded(config_.eps), config_.qk_norm);
  }

  void turn(int l, Matrix<N>& x) const {
    const LayerConfig layer = config_.layer(l);
    if (!layer.rotary || config_.rope_width() == 0) return;
    const bool local = layer.window > 0 && config_.rope_local_base > 0;
    const ops::Rope rope = local ? local_rope_of(config_) : rope_of(config_);
    const auto half = static_cast<std::int64_t>(rope.frequencies->size());
    const std::int64_t apart = kind_.interleaved ? 1 : half, step = kind_.interleaved ? 2 : 1;
    for (std::int64_t t = 0; t < x.rows; ++t)
      for (std::int64_t head = 0; head < x.columns; head += config_.head_dim)
        for (std::int64_t i = 0; i < half; ++i) {
          const double angle = static_cast<double>(t) * (*rope.frequencies)[at(i)];
          const double scale = static_cast<double>(rope.scale);
          const double c = scale * std::cos(angle), s = scale * std::sin(angle);
          N& a = x.row(t)[head + step * i];
          N& b = x.row(t)[head + step * i + apart];
          const N turned = a * c - b * s;
          b = b * c + a * s;
          a = turned;
        }
  }

  Matrix<N> attention(int l, const std::string& blk, const Matrix<N>& x) const {
    const LayerConfig layer = config_.layer(l);
    const std::int64_t queries = layer.heads * config_.head_dim;
    const std::int64_t stored = layer.kv_heads * config_.head_dim;
    Matrix<N> q = projected(blk, "q", x, 0, queries);
    Matrix<N> k = projected(blk, "k", x, queries, stored);
    Matrix<N> v = projected(blk, "v", x, queries + stored, stored);
    turn(l, q = with_norm(blk + "attn_q_norm.weight", std::move(q)));
    see_(nn::Point::query, l, q);
    turn(l, k = with_norm(blk + "attn_k_norm.weight", std::move(k)));
    see_(nn::Point::key, l, k);
    see_(nn::Point::value, l, v);
    Matrix<N> weights = attention_weights(layer, q, k);
    see_(nn::Point::attention_weights, l, weights);
    Matrix<N> y(x.rows, queries);
    for (std::int64_t t = 0; t < x.rows; ++t)
      for (std::int64_t i = 0; i < queries; ++i) {
        const std::int64_t head = i / config_.head_dim;
        const std::int64_t from =
            head / (layer.heads / layer.kv_heads) * config_.head_dim + i % config_.head_dim;
        for (std::int64_t j = 0; j < x.rows; ++j)
          y.row(t)[i] += weights.row(t)[head * x.rows + j] * v.row(j)[from];
      }
    see_(nn::Point::heads, l, y);
    return linear(blk + "attn_output", norm_if(blk + "attn_sub_norm", std::move(y)));
  }

  // [T, heads * T]: softmax of the scores of the rows that row t sees.
  Matrix<N> attention_weights(const LayerConfig& layer, const Matrix<N>& q,
                              const Matrix<N>& k) const {
    const std::int64_t width = config_.head_dim, rows = q.rows;
    const double usual = 1 / std::sqrt(static_cast<double>(width));
    const double scale = rounded(config_.attention_scale > 0 ? config_.attention_scale : usual);
    Matrix<N> weights(rows, layer.heads * rows);
    for (std::int64_t t = 0; t < rows; ++t)
      for (std::int64_t h = 0; h < layer.heads; ++h) {
        N* row = weights.row(t) + h * rows;
        const std::int64_t first =
            layer.window > 0 ? std::max<std::int64_t>(0, t + 1 - layer.window) : 0;
        const N* query = q.row(t) + h * width;
        for (std::int64_t j = first; j <= t; ++j) {
          const N* key = k.row(j) + h / (layer.heads / layer.kv_heads) * width;
          N score = 0;
          for (std::int64_t d = 0; d < width; ++d) score += query[d] * key[d];
          row[j] = capped(scale * score, rounded(config_.attention_cap));
        }
        const N sum = log_sum_exp(row + first, t + 1 - first);
        for (std::int64_t j = first; j <= t; ++j) row[j] = std::exp(row[j] - sum);
      }
    return weights;
  }

  Config config_;
  Kind kind_;
  std::map<std::string, std::vector<N>> tensors_;
  mutable See see_ = [](nn::Point, int, Matrix<N>&) {};
};

}  // namespace bantam::reference
