// What decoder-only families share: embedding (and learned positions), blocks, final norm, head. A
// family says what a block computes and which weights it has.
#pragma once

#include <memory>
#include <vector>

#include "models/weight_list.h"

namespace bantam {

// What a block knows of the pass that it is part of. It may run again in backward, when the call of
// forward is over: the batch outlives the tape, the rest is kept by value.
struct Pass {
  const Batch& batch;
  Cache* cache;
  int layer;
  std::shared_ptr<const ops::AttentionRows> seen;
};

class Decoder : public Model {
 public:
  Tensor forward(Context& ctx, const Batch& batch, Cache* cache) const override;
  std::vector<Weight> weights() override;
  CacheShape cache_shape(std::int64_t slots, std::int64_t context, Type type) const override;

 protected:
  // `storage` outlives the model.
  Decoder(const Config& config, const Storage& storage);

  // Layer pass.layer of the model: x [T,D] -> [T,D].
  virtual Tensor block(Context& ctx, const Tensor& x, const Pass& pass) const = 0;
  // Its weights; the names of the layer are entered.
  virtual void list_block(int layer, WeightList& list) = 0;

  // RMSNorm with the model's epsilon.
  Tensor norm(Context& ctx, const Tensor& x, const Tensor& gain) const {
    return ops::rms_norm(ctx, x, gain, static_cast<float>(config_.eps));
  }
  // LayerNorm with the model's epsilon.
  Tensor norm(Context& ctx, const Tensor& x, const nn::Norm& n) const {
    return nn::layer_norm(ctx, x, n, static_cast<float>(config_.eps));
  }
  // Self-attention of rows h [T,D] as the configuration of the pass's layer says.
  Tensor attend(Context& ctx, const Tensor& h, const nn::AttentionWeights& w,
                const Pass& pass) const {
    return nn::attention(ctx, h, w, attention_[static_cast<std::size_t>(pass.layer)], pass.batch,
                         pass.cache, pass.layer, pass.seen);
  }

 private:
  std::vector<Pass> passes(const Batch& batch, Cache* cache) const;

  const Storage& storage_;
  std::vector<nn::AttentionConfig> attention_;  // by layer
  Tensor embedding_, positions_;
  nn::Norm norm_;
  nn::Linear head_;
};

}  // namespace bantam
