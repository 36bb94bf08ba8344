// The shapes of well-known models, and models of such a shape with random weights: for planning and
// for measuring where the numbers themselves do not matter.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/file.h"
#include "models/model.h"
#include "models/writer.h"
#include "tokenizer/tokenizer.h"

namespace bantam::plan {

struct NamedShape {
  std::string_view name;  // "1.2b"
  std::string_view like;  // whose shape it is
  std::int64_t layers, width, heads, kv_heads, head_dim, feed_forward, vocabulary, context;
  bool tied;
  double rope_base;
};
// Rising in parameters.
std::span<const NamedShape> named_shapes();
const NamedShape* find_shape(std::string_view name);

// A Llama of this shape.
Config config_of(const NamedShape& shape);
// A Llama of about so many parameters, all counted: the known shape nearest to it, with as many
// layers as come nearest.
Config config_of_size(std::int64_t parameters);
// All parameters, a tied head once.
std::int64_t parameters_of(const Config& config);

// A byte-level BPE of so many tokens, as long on average as those of well-known vocabularies are: what
// one of that size takes.
std::shared_ptr<const Tokenizer> typical_tokenizer(std::int64_t vocabulary);

// Writes a GGUF without a tokenizer, one tensor at a time; in memory is the largest of them. Rows
// of a matrix repeat after sixteen: encoding would take longer than all else.
void write_random_model(const Config& config, const WeightType& type, const Path& path);
// With matrices of `type` as GGUF files of it have them.
WeightType all_of(Type type);

}  // namespace bantam::plan
