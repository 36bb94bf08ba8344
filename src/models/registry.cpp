// The families, one row each.
#include <array>

#include "base/error.h"
#include "models/llama.h"

namespace bantam {

namespace {

constexpr std::array<std::string_view, 2> kLlamaTypes{"llama", "mistral"};

constexpr std::array kFamilies{
    Family{"llama", kLlamaTypes, llama_from_gguf, llama_from_hf, llama_to_gguf, llama_to_hf,
           make_llama},
};

Error unsupported(std::string_view name, const std::string& file, const char* field) {
  std::string known;
  for (const Family& f : kFamilies)
    for (const std::string_view type : f.hf)
      known += (known.empty() ? "" : ", ") + std::string(type);
  return Error("the architecture \"" + printable(name) + "\" is not supported; these are: " + known)
      .in(file)
      .field(field);
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family& family_by_gguf(std::string_view architecture, const std::string& file) {
  for (const Family& f : kFamilies)
    if (f.gguf == architecture) return f;
  throw unsupported(architecture, file, "general.architecture");
}

const Family& family_by_hf(std::string_view model_type, const std::string& file) {
  for (const Family& f : kFamilies)
    for (const std::string_view type : f.hf)
      if (type == model_type) return f;
  throw unsupported(model_type, file, "model_type");
}

}  // namespace bantam
