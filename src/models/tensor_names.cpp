#include "models/tensor_names.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace bantam::models {

namespace {

// Parts of a name, wherever they stand: torch._dynamo.OptimizedModule, DistributedDataParallel,
// FullyShardedDataParallel, checkpoint_wrapper; PEFT's for a layer that has an adapter; and what a model
// that sees or hears calls its text part, before its names changed and after (transformers,
// Gemma3ForConditionalGeneration: language_model.model.layers, model.language_model.layers).
constexpr std::array<std::string_view, 6> kWrappers{"_orig_mod",  "module",        "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
                                                    "base_layer", "language_model"};
constexpr std::string_view kPeft = "base_model.model.";
// What a model with a head calls the rest of it; folders of one without, and GPT-2's first, leave it out.
constexpr std::array<std::string_view, 2> kBases{"model.", "transformer."};
// The other parts of one that sees or hears (transformers: Gemma 3, LLaVA, Mistral 3, Qwen-VL, Llama 4).
constexpr std::array<std::string_view, 9> kOtherParts{"vision_tower.", "vision_model.", "vision_encoder.", "visual.",     "vision_adapter.",
                                                      "audio_tower.",  "multi_modal_projector.", "mm_projector.", "image_newline"};

}  // namespace

std::vector<std::string> names_elsewhere(const std::string& name) {
  std::vector<std::string> names{name, "language_model." + name};
  for (const std::string_view base : kBases)
    if (name.starts_with(base)) {
      names.push_back(std::string(base) + "language_model." + name.substr(base.size()));
      names.push_back(name.substr(base.size()));
    }
  return names;
}

bool is_of_other_part(std::string_view name) {
  const std::string bare = without_wrappers(name);
  std::string_view rest = bare;
  if (rest.starts_with("model.")) rest.remove_prefix(6);
  return std::ranges::any_of(kOtherParts, [&](std::string_view part) { return rest.starts_with(part); });
}

std::string without_wrappers(std::string_view name) {
  std::string bare;
  bare.reserve(name.size());
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (std::ranges::find(kWrappers, part) == kWrappers.end()) {
      if (!bare.empty()) bare += '.';
      bare += part;
    }
    at = end + 1;
  }
  while (bare.starts_with(kPeft)) bare.erase(0, kPeft.size());
  return bare;
}

TensorNames::TensorNames(const TensorSource& source) {
  for (const TensorInfo& t : source.tensors()) {
    const auto [at, fresh] = bare_.try_emplace(without_wrappers(t.name), &t);
    if (!fresh)
      throw Error("stands for the same tensor as " + printable(at->second->name))
          .in(t.file)
          .field(t.name);
  }
}

const TensorInfo* TensorNames::find_bare(const std::string& name) const {
  const auto at = bare_.find(name);
  return at != bare_.end() ? at->second : nullptr;
}

const TensorInfo* TensorNames::find(std::string_view name) const {
  if (const TensorInfo* info = find_bare(std::string(name))) return info;
  for (const std::string_view base : kBases)
    if (name.starts_with(base))
      if (const TensorInfo* info = find_bare(std::string(name.substr(base.size())))) return info;
  // Wrapped by a class of one's own that calls the whole model "model".
  return find_bare("model." + std::string(name));
}

}  // namespace bantam::models
