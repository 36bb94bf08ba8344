#include "models/tensor_names.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace bantam::models {

namespace {

// Parts of a name, wherever they stand: torch._dynamo.OptimizedModule, DistributedDataParallel,
// FullyShardedDataParallel, checkpoint_wrapper; and PEFT's for a layer that has an adapter.
constexpr std::array<std::string_view, 5> kWrappers{"_orig_mod", "module", "_fsdp_wrapped_module",
                                                    "_checkpoint_wrapped_module", "base_layer"};
constexpr std::string_view kPeft = "base_model.model.";
// What a model with a head calls the rest of it.
constexpr std::array<std::string_view, 2> kBases{"model.", "transformer."};

}  // namespace

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

TensorNames::TensorNames(const TensorSource& source, std::span<const Renaming> renamings)
    : renamings_(renamings) {
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
  if (at != bare_.end()) return at->second;
  for (const Renaming& r : renamings_) {
    if (!name.starts_with(r.canonical)) continue;
    const auto other = bare_.find(std::string(r.prefix) + name.substr(r.canonical.size()));
    if (other != bare_.end()) return other->second;
  }
  return nullptr;
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
