// What a model file says of one tensor, and where models get their tensors from, whichever form the
// file has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/view.h"
#include "blocks/format.h"

namespace bantam::files {

struct TensorInfo {
  std::string name;
  const Format* format = nullptr;   // null: a type that this program cannot compute with
  std::string type_name;            // as in the file's world: "Q4_K", "F32"
  Shape shape;                      // row-major, last dimension contiguous (GGUF's ne reversed)
  std::span<const std::byte> data;  // in the mapped file. In safetensors its address may be
                                    // unaligned to the element: use format->decode, or memcpy
  std::uint64_t offset = 0;         // of data in `file`
  std::string file;
};

// Tensors by name. A file with more than this many is refused: the cost of a row must stay small
// beside the file. (The largest model published, 671 B parameters in experts, has 92,000.)
inline constexpr std::uint64_t kMaxTensors = 131072;

class TensorTable {
 public:
  // Returns the second of two tensors of one name, or null.
  const TensorInfo* assign(std::vector<TensorInfo> tensors);

  std::span<const TensorInfo> tensors() const { return tensors_; }
  std::span<TensorInfo> rows() { return tensors_; }  // to complete them; names must stay
  const TensorInfo* find(std::string_view name) const;

 private:
  std::vector<TensorInfo> tensors_;     // in the order of the file
  std::vector<std::uint32_t> by_name_;  // indices into tensors_
};

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual std::span<const TensorInfo> tensors() const = 0;          // in the order of the file
  virtual const TensorInfo* find(std::string_view name) const = 0;  // null: none of that name
  virtual std::string path() const = 0;                             // what the user opened
  // A part of the tensor's bytes, or all, is not needed soon: its pages may go. It can still be
  // read.
  virtual void release(const TensorInfo& tensor, std::span<const std::byte> part) const = 0;
  void release(const TensorInfo& tensor) const { release(tensor, tensor.data); }
  // The same of all that was read so far, also of what lies between the tensors.
  virtual void release_all() const = 0;

  // Throws Error naming the file and the tensor when it is missing; with a shape, also when it has
  // another one (both are named).
  const TensorInfo& need(std::string_view name) const;
  const TensorInfo& need(std::string_view name, const Shape& shape) const;
};

}  // namespace bantam::files
