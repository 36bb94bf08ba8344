// safetensors: 8 bytes of header length, a JSON header, the tensors' bytes without gaps.
// Format and checks: README.md and safetensors/src/tensor.rs (huggingface/safetensors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "files/tensor_info.h"
#include "files/tensor_writer.h"

namespace bantam::files {

class SafetensorsFile : public TensorSource {
 public:
  // Throws Error with file, tensor and offset.
  explicit SafetensorsFile(const Path& path);
  // From memory that outlives the object; `name` stands for the path in messages.
  SafetensorsFile(std::span<const std::byte> bytes, std::string name);

  // "__metadata__": names and texts.
  std::span<const std::pair<std::string, std::string>> metadata() const { return metadata_; }
  const MappedFile* mapped() const { return mapped_ ? &*mapped_ : nullptr; }

  std::span<const TensorInfo> tensors() const override { return table_.tensors(); }
  const TensorInfo* find(std::string_view name) const override { return table_.find(name); }
  std::string path() const override { return name_; }
  using TensorSource::release;
  void release(const TensorInfo& tensor, std::span<const std::byte> part) const override;
  void release_all() const override;

 private:
  void read();

  std::optional<MappedFile> mapped_;
  std::span<const std::byte> bytes_;
  std::string name_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  TensorTable table_;
};

}  // namespace bantam::files
