// A model: its configuration, its weights with their names in both worlds, and its forward. A
// family is one file that makes such a model, and one row in the table of registry.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "models/config.h"
#include "nn/layers.h"

namespace bantam::models {

// How a weight is used: decides its arithmetic, its preparation at loading, and how training starts
// and updates it.
enum class Role : std::uint8_t { embedding, positions, linear, head, gain, bias };

// Where a weight lies in a tensor that holds several: rows `first` and on of `whole`, which is as
// the model has them. Without a shape the tensor is the weight.
struct Part {
  Shape whole;
  std::int64_t first = 0;
};

struct WeightSpec {
  std::string gguf, hf;  // names in both worlds
  Shape shape;
  Role role;
  // Where it lies in the model: as `matrix` when it is multiplied with (linear, head), else `tensor`.
  Tensor* tensor = nullptr;
  Weight* matrix = nullptr;
  nn::Linear* linear = nullptr;  // the layer whose matrix it is, where an adapter can be put
  // Heads whose rotary rows GGUF keeps interleaved (pairs are neighbours); 0: the same in both
  // worlds.
  std::int64_t rotary_heads = 0;
  bool residual = false;    // its output is added to the residual stream: starts smaller
  bool transposed = false;  // folders keep the matrix (the whole of it) input by output
  Part gguf_part = {}, hf_part = {};
  bool less_one = false;  // a gain that folders keep less one; in GGUF and in the model it is whole

  void set(Tensor rows) const {
    if (matrix)
      *matrix = std::move(rows);
    else
      *tensor = std::move(rows);
  }
  // Throws Error when they were let go.
  const Tensor& rows() const { return matrix ? matrix->rows() : *tensor; }

  // Its own among the weights of a model but for a tied head, which has the embedding's.
  std::string own_name() const {
    return gguf_part.whole.rank() ? gguf + ":" + std::to_string(gguf_part.first) : gguf;
  }
};

class Model {
 public:
  virtual ~Model() = default;
  const Config& config() const { return config_; }

  // Logits [wanted rows, V] f32-valued in the context's activation type, or losses [T] when the
  // batch has targets. With a cache the rows' keys and values are stored; without one each sequence
  // of the batch must begin at position 0.
  virtual Tensor forward(Context& ctx, const Batch& batch, Cache* cache) const = 0;

  // The end of forward: what rows x [R,D] of the residual stream say, as logits [R,V], or losses
  // [R] when the batch has targets; nothing else of the batch is read.
  virtual Tensor read_out(Context& ctx, const Tensor& x, const Batch& batch) const = 0;

  // Every weight, in the order of the model. The pointers are into this model.
  virtual std::vector<WeightSpec> weights() = 0;
  virtual CacheShape cache_shape(std::int64_t slots, std::int64_t context, Type type) const = 0;

 protected:
  explicit Model(Config config) : config_(std::move(config)) {}
  Config config_;
};

struct Family {
  std::string_view gguf;                 // general.architecture
  std::span<const std::string_view> hf;  // model_type in config.json
  Config (*from_gguf)(const GgufFile& file);
  Config (*from_hf)(const Json& config, const std::string& file);
  void (*to_gguf)(const Config& config, GgufWriter& writer);
  Json (*to_hf)(const Config& config);
  std::unique_ptr<Model> (*make)(const Config& config);
};

std::span<const Family> families();
// The model_type of models that go by this name, in letters of any size, with or without a maker, a size and
// "Instruct": "SmolLM2-135M" is llama, "phi4" is phi3. Empty: not known, or it is spelled as it should be.
std::string_view family_of_name(std::string_view name);
// Throws Error that lists what is supported.
const Family& family_by_gguf(std::string_view architecture, const std::string& file);
const Family& family_by_hf(std::string_view model_type, const std::string& file);

}  // namespace bantam::models
