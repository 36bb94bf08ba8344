// A model of a file written again with other weights: what merging and full fine-tuning end with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/rooms.h"
#include "models/loader.h"
#include "models/writer.h"
#include "tokenizer/tokenizer.h"

namespace bantam::adapt {

// NAME.gguf, or a folder in Hugging Face's form: the keys, the tokenizer and the template of `file`
// go with it. `model` lends its list of weights. `chat_template` takes the place of the file's unless
// it is empty. Throws Error when the target exists and `replace` is not said, or a type cannot be
// written there.
void write_model(const ModelFile& file, Model& model, const WeightRows& rows, const WeightType& type,
                 const Path& out, bool replace, const std::string& chat_template = "");

// The type in which a weight of `file` is written when nothing else is said: its own.
WeightType types_of(const std::shared_ptr<const ModelFile>& file);
// The same, but F32 in place of blocks where `out` is a folder, which has none.
WeightType types_for(const std::shared_ptr<const ModelFile>& file, const Path& out);
// The same, but F32 in place of blocks anywhere: a step of training is smaller than what blocks round away.
WeightType float_types(const std::shared_ptr<const ModelFile>& file);
// What weights that were added up are written in: `wanted`, else float32, in which sums are exact to a
// rounding; a model in blocks keeps its types and is rounded anew.
WeightType merged_types(const std::shared_ptr<const ModelFile>& file, const Path& out, std::optional<Type> wanted);

}  // namespace bantam::adapt
