// A model file's weights in another form (GGUF, Hugging Face folder) or another type. Bytes that
// need not change are copied as they are, so the same type gives the same logits to the bit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "models/loader.h"
#include "models/writer.h"

namespace bantam {

class Conversion {
 public:
  // `type`: of the matrices; nullopt: each keeps its own. `tick` is called before each tensor and
  // may throw to end the work. Throws Error when a tensor is missing, is not one of the model's, or
  // is of a type that cannot be decoded.
  Conversion(std::shared_ptr<const ModelFile> file, std::optional<Type> type,
             std::function<void()> tick = {});

  // Keys that describe the tokenizer (and others to carry over) have been set on the writer; those
  // of the architecture are set here. Vectors are F32 there, as in other converters' files
  // (convert_hf_to_gguf.py, ggml-org/llama.cpp).
  void write_gguf(GgufWriter& writer);
  // config.json and safetensors in a folder that exists. Block types become F16 unless another type
  // was asked for; a vector is narrowed to the matrices' type where that loses nothing.
  // `extra`: further members of config.json.
  void write_folder(const Path& folder, const Json& extra);

  struct Weights {
    std::string type;  // "Q8_0"
    std::int64_t tensors = 0, bytes = 0;
  };
  // What was written, largest share first.
  std::vector<Weights> written() const;
  // Matrices (named as in the file that was written) whose width the type's blocks do not divide:
  // they became F16.
  const std::vector<std::string>& not_divisible() const { return not_divisible_; }

 private:
  Tensor rows(const WeightSpec& weight);
  Type gguf_type(const WeightSpec& weight);
  Type folder_type(const WeightSpec& weight);
  bool exact_in(const WeightSpec& weight, Type type);
  void count(const WeightSpec& weight, Type type, const std::string& name, const Shape& shape);

  std::shared_ptr<const ModelFile> file_;
  std::optional<Type> type_;
  std::function<void()> tick_;
  std::unique_ptr<Model> model_;
  const TensorInfo* previous_ = nullptr;
  Type matrices_ = Type::f32;                                     // what the file's own are
  std::map<std::string, std::pair<Type, std::int64_t>> counted_;  // by name: type, bytes
  std::vector<std::string> not_divisible_;
};

}  // namespace bantam
