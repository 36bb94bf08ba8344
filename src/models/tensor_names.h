// Names of tensors in a Hugging Face folder that was saved from inside a wrapper: torch.compile writes
// "_orig_mod." before them, DistributedDataParallel "module.", PEFT "base_model.model.", and a base
// model saved without its head leaves "model." out.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/rooms.h"
#include "files/tensor_info.h"
#include "models/model.h"

namespace bantam::models {

// Without what wrappers put into a name. The same when there is nothing of it.
std::string without_wrappers(std::string_view name);

// Finds a family's tensors under such names.
class TensorNames {
 public:
  TensorNames() = default;
  // Throws Error when two tensors of the folder are the same but for their wrappers.
  explicit TensorNames(const TensorSource& source, std::span<const Renaming> renamings);

  // The tensor that the makers call `name`, or null.
  const TensorInfo* find(std::string_view name) const;

 private:
  const TensorInfo* find_bare(const std::string& name) const;

  std::map<std::string, const TensorInfo*, std::less<>> bare_;  // by the name without wrappers
  std::span<const Renaming> renamings_;
};

}  // namespace bantam::models
