// The hyper-parameters that most families share, read and written under their usual names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "models/config.h"

namespace bantam::models {

// Keys "ARCH.name" of a GGUF. A missing key with a default means the default; one of the wrong type
// throws Error with file, key and offset.
class GgufKeys {
 public:
  GgufKeys(const GgufFile& file, std::string architecture)
      : file_(file), prefix_(std::move(architecture) + ".") {}
  std::int64_t need(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;
  // One number for all layers, or an array with one for each: one for each.
  std::vector<std::int64_t> by_layer(std::string_view name, std::int64_t layers) const;
  const GgufFile& file() const { return file_; }
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  // Layers, widths, heads, context, epsilon, rotary base and scaling; the vocabulary from the
  // embedding's shape.
  Config common() const;
  // Whether q, k and v, the output projection, the feed-forward block have biases: by layer 0.
  void find_biases(Config& config) const;

 private:
  void read_widths(Config& config) const;

  const GgufFile& file_;
  std::string prefix_;
};

// Keys of config.json; those of the wrong type or out of range throw Error with file and field.
class HfKeys {
 public:
  HfKeys(const Json& json, const std::string& file) : json_(json), file_(file) {}
  bool has(std::string_view name) const;  // present and not null
  std::int64_t need(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;
  bool flag(std::string_view name, bool otherwise) const;
  std::string text(std::string_view name, std::string otherwise) const;
  // An array, or absent.
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::optional<std::vector<double>> numbers(std::string_view name) const;
  std::optional<std::vector<std::string>> texts(std::string_view name) const;
  // Throws Error for one that is not known.
  Activation activation(std::string_view name, std::string_view otherwise) const;
  const Json* object(std::string_view name) const;  // null: absent
  // Throws Error unless the key is absent or has this value: another would be another model.
  void expect(std::string_view name, std::string_view value) const;
  void expect_flag(std::string_view name, bool value) const;
  // Gemma's activation, GELU in its tanh form, under the names that it had.
  void expect_gelu_tanh() const;
  const std::string& file() const { return file_; }
  Config common(std::string family) const;

 private:
  const Json& json_;
  std::string file_;
};

// `given` with the makers' defaults for what it does not name; a member that is null stays so.
Json with_defaults(const Json& given, Json defaults);

// 256 and not 256.0: where config.json wants an integer, transformers refuses a float.
Json whole_if_it_is(double value);

// Gemma's query_pre_attn_scalar, whose root the scores are divided by, for a configuration.
double query_scalar(const Config& config);
// GGUF has no key for it: llama.cpp takes the width of a head, but width / heads in the largest
// model, known by its layers (src/llama-model.cpp, LLM_TYPE_27B). What that gives as an
// attention_scale.
double gguf_query_scale(const Config& config, std::int64_t layers_of_largest);
// Throws Error when `config` has another one.
void expect_gguf_query_scale(const Config& config, std::int64_t layers_of_largest);

// The shortest decimal that reads back as the same float: GGUF keeps floats, and 1e-05 should not
// become 9.999999747378752e-06 in config.json.
double shortest(double value);

// As config.json names it.
std::string activation_name(Activation activation);
// Throws Error unless the model has this one: GGUF has no key for another.
void need_activation(const Config& config, Activation activation);

void write_common_keys(const Config& config, GgufWriter& writer);
// The members of config.json that write_common_keys has in GGUF.
Json common_to_hf(const Config& config);

}  // namespace bantam::models
