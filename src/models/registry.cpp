// The families, one row each.
#include <algorithm>
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
  const std::string_view same = family_of_name(name);
  return Error("the architecture \"" + printable(name) + "\" is not supported; " +
               (same.empty() ? "" : "models of that name are of \"" + std::string(same) + "\": was it meant? ") +
               "these are: " + known)
      .in(file)
      .field(field);
}

// Names that models go by, as they are left of a name (see below), and the model_type of their makers' files.
constexpr std::pair<std::string_view, std::string_view> kNames[] = {
    {"smollm", "llama"},    {"smollm2", "llama"},   {"tinyllama", "llama"}, {"llama1", "llama"},   {"llama2", "llama"},
    {"llama3", "llama"},    {"llama31", "llama"},   {"llama32", "llama"},   {"llama33", "llama"},  {"codellama", "llama"},
    {"vicuna", "llama"},    {"zephyr", "mistral"},  {"qwen15", "qwen2"}, {"qwen25", "qwen2"},
    {"phi1", "phi"},        {"phi15", "phi"},       {"phi2", "phi"},        {"phi35", "phi3"},     {"phi4", "phi3"},
    {"phi3mini", "phi3"},   {"phi4mini", "phi3"},   {"phi35mini", "phi3"},  {"gemma1", "gemma"},  
    {"olmo31", "olmo3"},    {"stablelm2", "stablelm"}, {"minitron", "nemotron"}, {"granite3", "granite"},
    {"distilgpt2", "gpt2"}, {"gpt", "gpt2"},
};

// "HuggingFaceTB/SmolLM2-135M-Instruct" as "smollm2": without the maker, sizes and what it was tuned for.
std::string bare_name(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  constexpr std::string_view kDropped[] = {"instruct", "it", "chat", "base", "hf"};
  std::string out, word;
  const auto size = [](const std::string& w) {
    return (w.back() == 'm' || w.back() == 'b') && w.find_first_not_of("0123456789.") == w.size() - 1 && w.size() > 1;
  };
  for (std::size_t i = 0; i <= name.size(); ++i) {
    const char c = i < name.size() ? name[i] : '-';
    if (c != '-' && c != '_' && c != ' ') {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      continue;
    }
    if (!word.empty() && !size(word) && std::ranges::find(kDropped, word) == std::end(kDropped)) out += word;
    word.clear();
  }
  std::erase(out, '.');
  return out;
}

}  // namespace

std::string_view family_of_name(std::string_view name) {
  for (const Family& f : families())
    if (std::ranges::find(f.hf, name) != f.hf.end()) return {};
  const std::string bare = bare_name(name);
  for (const auto& [known, type] : kNames)
    if (known == bare) return type;
  for (const Family& f : families()) {
    for (const std::string_view type : f.hf)
      if (bare_name(type) == bare) return type;
    if (bare_name(f.gguf) == bare) return f.hf.front();
  }
  return {};
}

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
