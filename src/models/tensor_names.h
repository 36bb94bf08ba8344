// Names of tensors in a Hugging Face folder that was saved from inside a wrapper: torch.compile writes
// "_orig_mod." before them, DistributedDataParallel "module.", PEFT "base_model.model.", a model that
// sees or hears "language_model.", and a base model saved without its head leaves "model." out.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "files/tensor_info.h"

namespace bantam::models {

// Without what wrappers put into a name. The same when there is nothing of it.
std::string without_wrappers(std::string_view name);

// The names by which the module of a folder that is `name` here goes in others, its own first: of a text part in a
// model that sees or hears, of a base model without its head.
std::vector<std::string> names_elsewhere(const std::string& name);

// Whether it is of a part that sees or hears, beside the text part that a folder is opened for.
bool is_of_other_part(std::string_view name);

// Finds a family's tensors under such names.
class TensorNames {
 public:
  TensorNames() = default;
  // Throws Error when two tensors of the folder are the same but for their wrappers.
  explicit TensorNames(const TensorSource& source);

  // The tensor that the makers call `name`, or null.
  const TensorInfo* find(std::string_view name) const;

 private:
  const TensorInfo* find_bare(const std::string& name) const;

  std::map<std::string, const TensorInfo*, std::less<>> bare_;  // by the name without wrappers
};

}  // namespace bantam::models
