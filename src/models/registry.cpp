// The families, one row each.
#include <array>
#include <set>

#include "base/error.h"
#include "models/families.h"

namespace bantam::models {

namespace {

Error unsupported(std::string_view name, const std::string& file, const char* field) {
  std::set<std::string_view> types;
  for (const Family& f : families()) types.insert(f.hf.begin(), f.hf.end());
  std::string known;
  for (const std::string_view type : types)
    known += (known.empty() ? "" : ", ") + std::string(type);
  return Error("the architecture \"" + printable(name) + "\" is not supported; these are: " + known)
      .in(file)
      .field(field);
}

}  // namespace

std::span<const Family> families() {
  static const std::array kFamilies{
      bitnet::family_25(), bitnet::family_b158(), bitnet::family(), gemma2::family(),
      gemma3::family(),    gemma::family(),       gpt2::family(),   granite::family(),
      llama::family(),     nemotron::family(),    olmo2::family(),  openelm::family(),
      phi2::family(),      phi3::family(),        qwen2::family(),  qwen3::family(),
      smollm3::family(),   stablelm::family(),
  };
  return kFamilies;
}

const Family& family_by_gguf(std::string_view architecture, const std::string& file) {
  for (const Family& f : families())
    if (f.gguf == architecture) return f;
  throw unsupported(architecture, file, "general.architecture");
}

const Family& family_by_hf(std::string_view model_type, const std::string& file) {
  for (const Family& f : families())
    for (const std::string_view type : f.hf)
      if (type == model_type) return f;
  throw unsupported(model_type, file, "model_type");
}

}  // namespace bantam::models
