// What the writers of model files share: tensors are announced first, then their bytes are asked
// for one tensor at a time, so that no more than one (or a part of one) need be in memory.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/view.h"

namespace bantam::files {

// Appends a part of the current tensor's bytes; the parts must add up to its size.
using PutBytes = std::function<void(std::span<const std::byte>)>;
// Called once per tensor with its index in the order of add_tensor; the order of the calls is the
// file's.
using FillTensor = std::function<void(std::size_t tensor, const PutBytes& put)>;

class TensorWriter {
 public:
  virtual ~TensorWriter() = default;
  virtual void add_tensor(std::string name, Type type, const Shape& shape) = 0;
  // Writes everything and renames the finished file into place. Throws Error; then nothing changed.
  virtual void finish(const FillTensor& fill) = 0;
};

}  // namespace bantam::files
