// Which type every matrix of a GGUF file gets: one type, a mix, or a type for each; and what
// becomes of a matrix whose width the type's blocks do not divide.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "models/loader.h"
#include "shrink/mixes.h"

namespace bantam::shrink {

struct Fallback {
  std::string tensor;
  Type wanted, given;
};

class TypePlan {
 public:
  // Each matrix keeps its own.
  TypePlan() = default;
  static TypePlan uniform(Type type);
  static TypePlan mixed(const Mix& mix, bool importance);
  // By the name of the tensor in GGUF; others keep their own. `file_type`: general.file_type.
  static TypePlan chosen(std::map<std::string, Type> types, std::uint32_t file_type);

  // Works out the types for the tensors of a model. `weights` are the model's.
  void apply(const Config& config, const std::vector<WeightSpec>& weights);
  // Of the tensor `name`; nullopt: as it is.
  std::optional<Type> type_of(const std::string& name) const;
  // nullopt: that of the matrices' type.
  std::optional<std::uint32_t> file_type() const { return file_type_; }
  bool quantises() const;
  std::optional<Type> uniform_type() const { return uniform_; }
  const std::vector<Fallback>& fallbacks() const { return fallbacks_; }

 private:
  void give(const std::string& name, Type wanted, std::int64_t width);

  std::optional<Type> uniform_;
  const Mix* mix_ = nullptr;
  bool importance_ = false;
  std::optional<std::uint32_t> file_type_;
  std::map<std::string, Type> types_;
  std::vector<Fallback> fallbacks_;
};

// The type that stands in for one whose blocks do not divide the width: of 32-wide blocks, as
// tensor_type_fallback of src/llama-quant.cpp (ggml-org/llama.cpp) has it; F16 where they do not
// either.
Type fitting_type(Type wanted, std::int64_t width);

}  // namespace bantam::shrink
