// A model written to either world: as GGUF, or as a Hugging Face folder.
#pragma once

#include <functional>
#include <optional>

#include "base/rooms.h"
#include "files/gguf_writer.h"
#include "models/model.h"

namespace bantam::models {

// The rows of a weight in the half layout, contiguous: of the model in memory, or of another file.
using WeightRows = std::function<Tensor(const WeightSpec& weight)>;
// The type in which a weight is written.
using WeightType = std::function<Type(const WeightSpec& weight)>;

// What GGUF files of this type hold by custom: vectors stay F32; a block type is taken where it
// divides the width, else F16.
Type gguf_weight_type(const WeightSpec& weight, Type wanted);

// Some rows of a weight in the type in which it is written.
using EncodeRows = std::function<Tensor(const WeightSpec& weight, const Tensor& rows, Type type)>;

struct GgufOptions {
  EncodeRows encode;                       // default: converted
  std::optional<std::uint32_t> file_type;  // general.file_type; default: of most matrices
};

// The family's keys and every tensor (once: a tied head is the embedding), written atomically. What
// the tokenizer needs is set on `writer` before. `model` lends its list of weights. Large tensors
// go by some rows at a time.
void write_gguf(Model& model, const Family& family, GgufWriter& writer, const WeightRows& rows,
                const WeightType& type, const GgufOptions& options = {});

// config.json and safetensors in `folder`, which exists (see AtomicFolder); block types cannot be
// written there. `extra`: further members of config.json (bos_token_id, ...).
void write_folder(Model& model, const Family& family, const Path& folder, const WeightRows& rows,
                  const WeightType& type, const Json& extra);

// Rows converted to another type, through f32 where they differ.
Tensor converted(const Tensor& rows, Type type);

}  // namespace bantam::models
