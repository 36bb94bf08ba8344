// A model opened from a file of either world, its weights prepared for one arithmetic.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/error.h"
#include "files/gguf.h"
#include "files/hf_folder.h"
#include "models/model.h"
#include "models/tensor_names.h"

namespace bantam::models {

// A tensor that is as it should be, of a type that cannot be computed with yet.
struct UnsupportedType : Error {
  explicit UnsupportedType(const TensorInfo& tensor);
};

// Where a model lies: a .gguf file, or a folder with config.json.
class ModelFile {
 public:
  // What model_path.h makes of it. Throws Error: neither, or what the readers of files/ find wrong.
  explicit ModelFile(const Path& named);
  explicit ModelFile(std::shared_ptr<const GgufFile> file);
  explicit ModelFile(std::shared_ptr<const HfFolder> folder);
  const GgufFile* gguf() const { return gguf_.get(); }
  const HfFolder* folder() const { return folder_.get(); }
  // Its first layers alone, of the same file: for measuring on a part.
  std::shared_ptr<const ModelFile> part(std::int64_t layers) const;
  bool whole() const { return whole_; }
  const TensorSource& tensors() const;
  const Family& family() const { return *family_; }
  const Config& config() const { return config_; }
  // The tensor that `weight` names in this world, or null.
  const TensorInfo* locate(const WeightSpec& weight) const;
  // The same; throws Error when it is missing or of another shape, UnsupportedType.
  const TensorInfo& find(const WeightSpec& weight) const;

 private:
  void configure();

  std::shared_ptr<const GgufFile> gguf_;
  std::shared_ptr<const HfFolder> folder_;
  const Family* family_ = nullptr;
  Config config_;
  TensorNames names_;  // of a folder
  bool whole_ = true;
};

// What `--arithmetic` says, or without it: int8 when a linear layer is of a block type, else f32.
// Throws Error for int8 and faithful on a file without block types.
Arithmetic choose_arithmetic(const ModelFile& file, std::optional<Arithmetic> wanted);

// Weights in place: F32, F16 and BF16 rows stay in the mapped file where the arithmetic takes them
// as they are, everything else is repacked once and its pages released. Tensors are canonical:
// rotary rows in the half layout. Throws Error when a tensor is missing, of another shape, or of a
// type that cannot be computed with; a tensor that the family does not know is an error too.
// `context`: positions that a run may take (0: the trained number), which rotary frequencies may
// depend on.
std::unique_ptr<Model> load_model(std::shared_ptr<const ModelFile> file, Arithmetic arithmetic,
                                  const Exec& exec, std::int64_t context = 0);

// Throws what load_model would throw, without reading a weight.
void check_weights(const ModelFile& file);

// Throws Error for the first tensor of the file that is none of the model's weights, nor derived
// from what the configuration says: the file would be another model than it claims.
void refuse_unknown(const ModelFile& file, std::span<const WeightSpec> weights);

}  // namespace bantam::models
