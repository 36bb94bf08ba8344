// Writes safetensors as the reference implementation lays them out: larger element types first,
// then by name, the header padded with spaces to a multiple of 8. Same input, same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "files/tensor_writer.h"

namespace bantam::files {

// One file, with {"format":"pt"} as its metadata (other readers ask for it).
class SafetensorsWriter : public TensorWriter {
 public:
  explicit SafetensorsWriter(const Path& target);
  // Throws Error for a type that safetensors has no name for (block types), a name there already.
  void add_tensor(std::string name, Type type, const Shape& shape) override;
  void finish(const FillTensor& fill) override;

  struct Planned {
    std::string name;
    Type type;
    Shape shape;
    std::size_t index;  // in the order of add_tensor
  };

 private:
  Path target_;
  std::vector<Planned> tensors_;
};

// model.safetensors in a folder; above `shard_bytes` of tensors several files named
// model-00001-of-0000N.safetensors and model.safetensors.index.json, as Hugging Face's tools do.
// The folder must exist (AtomicFolder makes the whole appear at once).
class SafetensorsFolderWriter : public TensorWriter {
 public:
  static constexpr std::uint64_t kShardBytes = 5'000'000'000;
  explicit SafetensorsFolderWriter(const Path& folder, std::uint64_t shard_bytes = kShardBytes);
  void add_tensor(std::string name, Type type, const Shape& shape) override;
  void finish(const FillTensor& fill) override;

 private:
  Path folder_;
  std::uint64_t shard_bytes_;
  std::vector<SafetensorsWriter::Planned> tensors_;
};

}  // namespace bantam::files
