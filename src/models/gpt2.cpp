// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"): learned
// positions, LayerNorm before attention and before a feed-forward block without a gate, biases.
// Semantics after transformers, src/transformers/models/gpt2/modeling_gpt2.py; GGUF names after
// llama.cpp, src/models/gpt2.cpp.
#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/families.h"
#include "models/keys.h"

namespace bantam::models::gpt2 {

namespace {

constexpr std::string_view kTypes[] = {"gpt2"};
constexpr Storage kStorage{.transposed = true,
                           .embedding = "transformer.wte",
                           .positions = "transformer.wpe",
                           .layers = "transformer.h.",
                           .norm = "transformer.ln_f"};

void list_block(const Config& c, int l, WeightList& list, nn::BlockWeights& w) {
  const std::int64_t d = c.width, f = c.feed_forward;
  list.norm("attn_norm", "ln_1", d, w.attention_norm);
  list.fused_attention(w.attention, c.layer(l), Fused::everywhere, "attn.c_attn", "attn.c_proj");
  list.norm("ffn_norm", "ln_2", d, w.feed_forward_norm);
  list.linear("ffn_up", "mlp.c_fc", {f, d}, w.feed_forward.up, true);
  list.linear("ffn_down", "mlp.c_proj", {d, f}, w.feed_forward.down, true, 0, true);
}

Config completed(Config c) {
  c.rope_dim = 0;
  c.layer_norm = c.learned_positions = true;
  c.attention_bias = c.output_bias = c.feed_forward_bias = true;
  return c;
}

Config from_gguf(const GgufFile& file) {
  Config c = completed(GgufKeys(file, "gpt2").common());
  c.activation = Activation::gelu_tanh;
  return c;
}

Config from_hf(const Json& json, const std::string& file) {
  const HfKeys own(json, file);
  const std::int64_t width = own.need("n_embd");
  const std::int64_t positions = own.integer("n_positions", own.integer("n_ctx", 1024));
  // The makers' code knows these by its own names alone (transformers, configuration_gpt2.py).
  Json plain = json;
  for (const char* key : {"hidden_size", "num_hidden_layers", "num_attention_heads", "head_dim",
                          "num_key_value_heads", "intermediate_size", "max_position_embeddings"})
    plain.erase(key);
  const Json given = with_defaults(plain, {{"hidden_size", width},
                                           {"num_hidden_layers", own.need("n_layer")},
                                           {"num_attention_heads", own.need("n_head")},
                                           {"intermediate_size", own.integer("n_inner", 4 * width)},
                                           {"max_position_embeddings", positions},
                                           {"layer_norm_epsilon", 1e-5},
                                           {"tie_word_embeddings", true}});
  const HfKeys keys(given, file);
  Config c = completed(keys.common("gpt2"));
  c.activation = keys.activation("activation_function", "gelu_new");
  keys.expect_flag("scale_attn_weights", true);
  keys.expect_flag("scale_attn_by_inverse_layer_idx", false);
  keys.expect_flag("add_cross_attention", false);
  return c;
}

void to_gguf(const Config& c, GgufWriter& writer) {
  need_activation(c, Activation::gelu_tanh);
  write_common_keys(c, writer);
}

Json to_hf(const Config& c) {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"n_embd", c.width},
          {"n_layer", c.layers},
          {"n_head", c.heads},
          {"n_inner", c.feed_forward},
          {"n_positions", c.context},
          {"n_ctx", c.context},
          {"vocab_size", c.vocabulary},
          {"activation_function", activation_name(c.activation)},
          {"layer_norm_epsilon", shortest(c.eps)},
          {"tie_word_embeddings", c.tied}};
}

}  // namespace

Family family() {
  return {"gpt2",
          kTypes,
          from_gguf,
          from_hf,
          to_gguf,
          to_hf,
          [](const Config& c) -> std::unique_ptr<Model> {
            return std::make_unique<DecoderModel>(c, kStorage, list_block, c.activation);
          }};
}

}  // namespace bantam::models::gpt2
