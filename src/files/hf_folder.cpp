#include "files/hf_folder.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/foreign.h"
#include "files/model_path.h"

namespace bantam::files {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxConfig = std::uint64_t{4} << 20;
constexpr std::uint64_t kMaxIndex = std::uint64_t{64} << 20;
constexpr std::size_t kMaxShards = 4096;
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// A file in the folder; nullopt when there is none. Follows links only inside the folder, and in
// Hugging Face's download cache (snapshots/REVISION/x -> ../../blobs/HASH).
std::optional<Path> inside(const Path& folder, const Path& name) {
  const Path path = folder / name;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return std::nullopt;
  const Path real = fs::canonical(path, error);
  if (error) throw Error("is a link that leads nowhere: " + error.message()).in(path.string());
  const Path root = fs::canonical(folder, error);
  const bool cached = root.parent_path().filename() == "snapshots" &&
                      real.parent_path() == root.parent_path().parent_path() / "blobs";
  if (real.parent_path() != root && !cached)
    throw Error("is a link out of the folder, to " + printable(real.string(), 200) +
                "; copy the file here, or open the folder that it leads to")
        .in(path.string());
  return path;
}

// weight_map of the index: which shard holds each tensor.
class IndexHandler : public JsonHandler {
 public:
  explicit IndexHandler(const std::string& file) : file_(file) {}

  std::vector<std::pair<std::string, std::uint32_t>> tensors;
  std::vector<std::string> shards;

  void begin_object() override {
    ++depth_;
    if (depth_ == 2 && key_ == "weight_map") {
      if (found_) throw Error("weight_map stands twice").in(file_).field("weight_map");
      found_ = in_map_ = true;
    } else if (in_map_) {
      throw unexpected();
    }
  }
  void key(std::string& name) override { key_ = name; }
  void end_object() override {
    if (depth_-- == 2) in_map_ = false;
  }
  void begin_array() override {
    if (in_map_) throw unexpected();
    ++depth_;
  }
  void end_array() override { --depth_; }
  void string(std::string& value) override {
    if (!in_map_) return;
    if (tensors.size() == kMaxTensors)
      throw Error("it lists more than " + std::to_string(kMaxTensors) + " tensors")
          .in(file_)
          .field("weight_map");
    const auto [known, added] =
        numbers_.try_emplace(value, static_cast<std::uint32_t>(shards.size()));
    if (added) shards.push_back(value);
    tensors.emplace_back(key_, known->second);
  }
  void integer(std::int64_t) override { other(); }
  void real(double) override { other(); }
  void boolean(bool) override { other(); }
  void null() override { other(); }
  bool found() const { return found_; }

 private:
  Error unexpected() const {
    return Error("a file name was expected for each tensor of weight_map").in(file_).field(key_);
  }
  void other() const {
    if (in_map_) throw unexpected();
  }

  const std::string& file_;
  std::map<std::string, std::uint32_t> numbers_;
  std::string key_;
  int depth_ = 0;
  bool in_map_ = false, found_ = false;
};

void check_shard_name(const std::string& shard, const std::string& index) {
  const Path path(shard);
  if (shard.empty() || shard == "." || shard == ".." || path.is_absolute() ||
      path.has_parent_path() || shard.find('\\') != shard.npos || shard.find('\0') != shard.npos)
    throw Error("the shard " + printable(shard) +
                " is not the name of a file in the folder; names without / were expected")
        .in(index)
        .field("weight_map");
}

IndexHandler read_index(const Path& path, const std::string& name) {
  const std::string text = read_file(path, kMaxIndex);
  IndexHandler index(name);
  JsonLimits limits;
  limits.bytes = kMaxIndex;
  limits.depth = 16;
  limits.values = 2 * kMaxTensors;
  read_json(text, name, index, limits);
  if (!index.found() || index.tensors.empty())
    throw Error("a weight_map that names the shard of each tensor was expected")
        .in(name)
        .field("weight_map");
  if (index.shards.size() > kMaxShards)
    throw Error("it names " + std::to_string(index.shards.size()) + " shards; at most " +
                std::to_string(kMaxShards) + " are supported")
        .in(name)
        .field("weight_map");
  for (const std::string& shard : index.shards) check_shard_name(shard, name);
  return index;
}

// The folder has no safetensors: says what there is instead.
[[noreturn]] void refuse_without_weights(const Path& folder) {
  std::error_code ignored;
  std::string other;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (is_pickle(entry.path())) refuse_pickle(entry.path());
    if (entry.path().extension() == ".safetensors" || files::is_gguf_name(entry.path()))
      other = std::max(other, entry.path().filename().string());
  }
  throw Error("has no model.safetensors and no model.safetensors.index.json" +
              (other.empty() ? std::string()
                             : "; there is " + printable(other) +
                                   ", but its name does not say that it is the whole model"))
      .in(folder.string());
}

}  // namespace

bool is_pickle(const Path& path) {
  static constexpr std::array kExtensions{".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"};
  const std::string extension = path.extension().string();
  std::error_code ignored;
  if (std::ranges::none_of(kExtensions, [&](const char* e) { return extension == e; }) || !fs::is_regular_file(path, ignored))
    return false;
  std::array<char, 512> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), head.size());
  return !looks_like_text(std::as_bytes(std::span(head.data(), static_cast<std::size_t>(file.gcount()))));
}

void refuse_pickle(const Path& path) {
  throw Error(
      "holds weights as a Python pickle, which can run any program when it is opened; it was not "
      "opened: get the model as safetensors or GGUF")
      .in(path.string());
}

HfFolder::HfFolder(const Path& folder) : folder_(folder) {
  std::error_code ignored;
  if (fs::is_regular_file(folder_, ignored)) {
    if (is_pickle(folder_)) refuse_pickle(folder_);
    throw Error("is a file; a folder with config.json was expected").in(folder_.string());
  }
  if (!fs::is_directory(folder_, ignored))
    throw Error("there is no such folder").in(folder_.string());
  const std::optional<Path> config = file("config.json");
  if (!config && file("adapter_config.json"))
    throw Error("is an adapter, not a model: name the model that it was made for, and this with --adapter (bantam info says more)")
        .in(folder_.string());
  if (!config)
    throw Error("the folder has no config.json; a model folder of Hugging Face was expected")
        .in(folder_.string());
  JsonLimits limits;
  limits.values = 100'000;
  limits.python_numbers = true;
  config_ =
      std::make_unique<Json>(parse_json(read_file(*config, kMaxConfig), config->string(), limits));
  if (!config_->is_object()) throw Error("a JSON object was expected").in(config->string()).at(0);
  if (const auto single = file(kSingle))
    read_single(*single);
  else if (const auto index = file(kIndex))
    read_shards(*index);
  else
    refuse_without_weights(folder_);
}

HfFolder::HfFolder(HfFolder&&) noexcept = default;
HfFolder::~HfFolder() = default;

const Json& HfFolder::config() const { return *config_; }

std::optional<Path> HfFolder::file(std::string_view name) const { return inside(folder_, name); }

void HfFolder::read_single(const Path& path) {
  shards_.emplace_back(path);
  const auto tensors = shards_[0].tensors();
  table_.assign({tensors.begin(), tensors.end()});
}

void HfFolder::read_shards(const Path& path) {
  const std::string name = path.string();
  IndexHandler index = read_index(path, name);
  shards_.reserve(index.shards.size());
  for (const std::string& shard : index.shards) {
    const std::optional<Path> there = file(shard);
    if (!there)
      throw Error("the shard " + printable(shard) + " is not in the folder; download it too")
          .in(name)
          .field("weight_map");
    shards_.emplace_back(*there);
  }
  std::vector<TensorInfo> tensors;
  tensors.reserve(index.tensors.size());
  for (const auto& [tensor, shard] : index.tensors) {
    const TensorInfo* info = shards_[shard].find(tensor);
    if (!info)
      throw Error("the tensor is not in " + printable(index.shards[shard]) +
                  ", where the index says it is")
          .in(name)
          .field(tensor);
    tensors.push_back(*info);
  }
  if (const TensorInfo* twin = table_.assign(std::move(tensors)))
    throw Error("weight_map lists the tensor twice").in(name).field(twin->name);
}

void HfFolder::release(const TensorInfo& tensor, std::span<const std::byte> part) const {
  const auto shard = std::ranges::find(shards_, tensor.file, &SafetensorsFile::path);
  if (shard != shards_.end()) shard->release(tensor, part);
}

void HfFolder::release_all() const {
  for (const SafetensorsFile& shard : shards_) shard.release_all();
}

}  // namespace bantam::files
