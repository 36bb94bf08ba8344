// A model as Hugging Face's tools keep it: a folder with config.json, one or more safetensors files
// and the tokenizer's files.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "files/safetensors.h"
#include "files/tensor_info.h"

namespace bantam::files {

class HfFolder : public TensorSource {
 public:
  // Reads config.json and the headers of all shards. Throws Error: no config.json, a shard or
  // tensor missing, a path that leaves the folder, weights only as a pickle (never opened).
  explicit HfFolder(const Path& folder);
  HfFolder(HfFolder&&) noexcept;
  ~HfFolder() override;

  const Json& config() const;
  Path config_path() const { return folder_ / "config.json"; }
  // nullopt: the folder has no such file.
  std::optional<Path> tokenizer_path() const { return file("tokenizer.json"); }
  std::optional<Path> tokenizer_config_path() const { return file("tokenizer_config.json"); }
  std::optional<Path> generation_config_path() const { return file("generation_config.json"); }
  // A file of the folder by name; throws Error when it is a link that leaves the folder.
  std::optional<Path> file(std::string_view name) const;

  std::span<const TensorInfo> tensors() const override { return table_.tensors(); }
  const TensorInfo* find(std::string_view name) const override { return table_.find(name); }
  std::string path() const override { return folder_.string(); }
  using TensorSource::release;
  void release(const TensorInfo& tensor, std::span<const std::byte> part) const override;
  void release_all() const override;

 private:
  void read_single(const Path& path);
  void read_shards(const Path& index);

  Path folder_;
  std::unique_ptr<Json> config_;
  std::vector<SafetensorsFile> shards_;
  TensorTable table_;
};

// True for a file under a name that Python pickles have (.bin of PyTorch, .pt, .pth, .ckpt, .pkl), unless it is
// seen to be text.
bool is_pickle(const Path& path);
// The error that refuses one.
[[noreturn]] void refuse_pickle(const Path& path);

}  // namespace bantam::files
