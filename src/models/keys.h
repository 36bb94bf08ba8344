// The hyper-parameters that most families share, read and written under their usual names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "models/config.h"

namespace bantam {

// Keys "ARCH.name" of a GGUF. A missing key with a default means the default; one of the wrong type
// throws Error with file, key and offset.
class GgufKeys {
 public:
  GgufKeys(const GgufFile& file, std::string architecture)
      : file_(file), prefix_(std::move(architecture) + ".") {}
  std::int64_t need(std::string_view name) const;
  double number(std::string_view name, double otherwise) const;
  // Layers, widths, heads, context, epsilon, rotary base and scaling; the vocabulary from the
  // embedding's shape.
  Config common() const;

 private:
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
  // Throws Error unless the key is absent or has this value: another would be another model.
  void expect(std::string_view name, std::string_view value) const;
  Config common(std::string family) const;

 private:
  RopeScaling rope_scaling(double base, std::int64_t head_dim) const;
  double rope_base() const;

  const Json& json_;
  std::string file_;
};

void write_common_keys(const Config& config, GgufWriter& writer);
// The members of config.json that write_common_keys has in GGUF.
Json common_to_hf(const Config& config);

// Divisors of the rotary frequencies under Llama 3's scaling, rounded to f32 as GGUF stores them.
std::vector<float> llama3_divisors(double base, std::int64_t head_dim, const RopeScaling& scaling);

}  // namespace bantam
