// GGUF version 2 and 3, read by memory map. Format: docs/gguf.md (ggml-org/ggml).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "files/metadata.h"
#include "files/tensor_info.h"

namespace bantam::files {

// Opening checks everything but what the numbers mean: each length against the file, every sum
// against overflow, strings for UTF-8, names for duplicates, tensors for overlap. So whatever this
// class hands out lies inside the file. Throws Error with file, field and offset.
//
// A model in several files (gguf_parts.h) is opened by the path of any of them: its metadata are
// those of the first, its tensors those of all. Throws Error when a part is missing or is not what
// its name and the others say.
class GgufFile : public TensorSource {
 public:
  explicit GgufFile(const Path& path);
  // From memory that outlives the object; `name` stands for the path in messages.
  GgufFile(std::span<const std::byte> bytes, std::string name);

  const Metadata& metadata() const { return metadata_; }
  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t data_offset() const { return data_offset_; }  // where tensor data begins
  std::uint64_t size() const;  // of all parts
  std::size_t parts() const { return 1 + others_.size(); }
  // Null when read from memory.
  const MappedFile* mapped() const { return mapped_ ? &*mapped_ : nullptr; }

  std::span<const TensorInfo> tensors() const override { return table_.tensors(); }
  const TensorInfo* find(std::string_view name) const override { return table_.find(name); }
  std::string path() const override { return name_; }  // of the first part
  using TensorSource::release;
  void release(const TensorInfo& tensor, std::span<const std::byte> part) const override;
  void release_all() const override;

 private:
  struct Alone {};
  GgufFile(const Path& path, Alone);  // this part and no other
  void read();
  void gather();
  void check_part(std::uint64_t number, std::uint64_t count) const;

  std::optional<MappedFile> mapped_;
  std::span<const std::byte> bytes_;
  std::string name_;
  Metadata metadata_;
  TensorTable table_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t data_offset_ = 0;
  std::vector<GgufFile> others_;  // the second part and those after it
};

}  // namespace bantam::files
