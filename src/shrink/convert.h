// A model file's weights in another form (GGUF, Hugging Face folder) or other types. Bytes that
// need not change are copied as they are, so the same type gives the same logits to the bit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/thread_pool.h"
#include "models/loader.h"
#include "models/writer.h"
#include "shrink/importance.h"
#include "shrink/type_plan.h"

namespace bantam::shrink {

struct ConversionOptions {
  std::function<void()> tick;  // called before each tensor; may throw to end the work
  ThreadPool* pool = nullptr;  // null: one thread; the bytes are the same with any number
  const Importance* importance = nullptr;
};

class Conversion {
 public:
  // Throws Error when a tensor is missing, is not one of the model's, or is of a type that cannot
  // be decoded.
  explicit Conversion(std::shared_ptr<const ModelFile> file, TypePlan plan = {},
                      ConversionOptions options = {});

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
  const TypePlan& plan() const { return plan_; }
  // Tensors of a folder that are not written: of parts that see or hear, beside the text part.
  std::vector<std::string> left_out() const;
  // What rounding changed in each tensor (GGUF): the square of the difference and of the numbers,
  // summed.
  struct Change {
    Type from, to;
    double difference = 0, size = 0;
    double relative() const;  // root mean squares
  };
  const std::map<std::string, Change>& changes() const { return changes_; }

 private:
  Tensor rows(const WeightSpec& weight);
  Type gguf_type(const WeightSpec& weight);
  Type folder_type(const WeightSpec& weight);
  bool exact_in(const WeightSpec& weight, Type type);
  void count(const std::string& name, Type type, const Shape& shape);
  Tensor encoded(const WeightSpec& weight, const Tensor& rows, Type type);

  std::shared_ptr<const ModelFile> file_;
  TypePlan plan_;
  ConversionOptions options_;
  std::unique_ptr<Model> model_;
  const TensorInfo* previous_ = nullptr;
  Type matrices_ = Type::f32;                                     // what the file's own are
  std::map<std::string, std::pair<Type, std::int64_t>> counted_;  // by name: type, bytes
  std::map<std::string, Change> changes_;
};

// Whether the blocks of one type say all that those of the other do: the same type, or the two layouts of
// ternary blocks, -1, 0 and 1 times one scale in half precision.
bool same_numbers(Type a, Type b);
// The types of the file's matrices that are quantised already.
std::vector<Type> quantised_types(const ModelFile& file);

}  // namespace bantam::shrink
