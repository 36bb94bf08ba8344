// What decoder-only families are: embedding (and learned positions), blocks, final norm, head. A
// family says which weights a block has, and so what it computes (nn/block.h).
#pragma once

#include <memory>
#include <vector>

#include "base/rooms.h"
#include "models/weight_list.h"
#include "nn/block.h"

namespace bantam::models {

// The weights of a layer with their names, which stand behind those of the layer.
using ListBlock = void (*)(const Config& config, int layer, WeightList& list, nn::BlockWeights& to);
// Those of Llama's blocks and of families that keep its names: attn_norm, attention, ffn_norm, a
// gated feed-forward block.
void list_llama_block(const Config& config, int layer, WeightList& list, nn::BlockWeights& to);

class DecoderModel : public Model {
 public:
  // `storage` outlives the model. `activation`: of the feed-forward blocks.
  DecoderModel(const Config& config, const Storage& storage, ListBlock list_block,
               Activation activation = Activation::silu);

  Tensor forward(Context& ctx, const Batch& batch, Cache* cache) const override;
  Tensor read_out(Context& ctx, const Tensor& x, const Batch& batch) const override;
  std::vector<WeightSpec> weights() override;
  CacheShape cache_shape(std::int64_t slots, std::int64_t context, Type type) const override;

 private:
  std::vector<nn::Pass> passes(const Batch& batch, Cache* cache) const;

  const Storage& storage_;
  ListBlock list_block_;
  std::vector<nn::BlockConfig> configs_;  // by layer
  std::vector<nn::BlockWeights> blocks_;
  Tensor embedding_, positions_;
  nn::Norm norm_;
  nn::Linear head_;
};

}  // namespace bantam::models
