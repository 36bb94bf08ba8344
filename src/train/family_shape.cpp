// A shape as the configuration of any family: by the family's own reader, so that what the shape
// does not say (biases, norms, scales) is what its makers' files leave out too.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "train/trainer.h"

namespace bantam::train {

Config as_family(const Config& shape, const Family& family) {
  if (shape.family == family.gguf) return shape;
  Json j = {{"model_type", family.hf.front()},
            {"hidden_size", shape.width},
            {"num_hidden_layers", shape.layers},
            {"num_attention_heads", shape.heads},
            {"num_key_value_heads", shape.kv_heads},
            {"head_dim", shape.head_dim},
            {"intermediate_size", shape.feed_forward},
            {"vocab_size", shape.vocabulary},
            {"max_position_embeddings", shape.context},
            {"rms_norm_eps", shape.eps},
            {"tie_word_embeddings", shape.tied},
            {"rope_theta", shape.rope_base},
            {"query_pre_attn_scalar", shape.head_dim},  // Gemma's: the one that a GGUF can say
            // GPT-2's names.
            {"n_embd", shape.width},
            {"n_layer", shape.layers},
            {"n_head", shape.heads},
            {"n_inner", shape.feed_forward},
            {"n_positions", shape.context}};
  Config c = family.from_hf(j, "the recipe");
  c.name = shape.name;
  c.check("the recipe");
  return c;
}

}  // namespace bantam::train
