#include "files/safetensors_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "blocks/format.h"
#include "files/utf8.h"

namespace bantam::files {

namespace {

using Planned = SafetensorsWriter::Planned;

// Of the types with a safetensors name, in the order of Dtype in safetensors/src/tensor.rs: tensors
// are written from the end of this list, so that each begins at a multiple of its element.
constexpr std::array kOrder{Type::f16, Type::bf16, Type::i32, Type::f32};

std::ptrdiff_t rank(Type type) { return std::ranges::find(kOrder, type) - kOrder.begin(); }

std::uint64_t bytes_of(const Planned& tensor) {
  return static_cast<std::uint64_t>(byte_size(tensor.type, tensor.shape));
}

void plan(std::vector<Planned>& tensors, std::string name, Type type, const Shape& shape,
          const std::string& file) {
  const auto refuse = [&](const std::string& message) {
    throw Error(message).in(file).field(name);
  };
  if (format(type).safetensors.empty())
    refuse("safetensors has no type " + std::string(format(type).name) +
           "; write f32, f16 or bf16");
  if (name.empty() || name == "__metadata__" || utf8_prefix(name) != name.size())
    refuse("the name of a tensor in UTF-8 was expected");
  tensors.push_back({std::move(name), type, shape, tensors.size()});
}

void check_names(const std::vector<Planned>& tensors, const std::string& file) {
  std::vector<std::string_view> names;
  for (const Planned& tensor : tensors) names.push_back(tensor.name);
  std::ranges::sort(names);
  const auto twin = std::ranges::adjacent_find(names);
  if (twin != names.end())
    throw Error("two tensors have this name").in(file).field(std::string(*twin));
}

std::string header_of(std::span<const Planned> tensors) {
  Json header = Json::object();
  std::string text = R"({"__metadata__":{"format":"pt"})";
  std::uint64_t offset = 0;
  for (const Planned& tensor : tensors) {
    Json info = Json::object();
    info["dtype"] = format(tensor.type).safetensors;
    info["shape"] = Json::array();
    for (int i = 0; i < tensor.shape.rank(); ++i) info["shape"].push_back(tensor.shape[i]);
    info["data_offsets"] = {offset, offset + bytes_of(tensor)};
    text += "," + to_text(tensor.name) + ":" + to_text(info);
    offset += bytes_of(tensor);
  }
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void write(const Path& target, std::vector<Planned> tensors, const FillTensor& fill) {
  std::ranges::sort(tensors, [](const Planned& a, const Planned& b) {
    return rank(a.type) != rank(b.type) ? rank(a.type) > rank(b.type) : a.name < b.name;
  });
  AtomicFile file(target);
  const std::string header = header_of(tensors);
  const auto length = static_cast<std::uint64_t>(header.size());
  std::string head(sizeof length, '\0');
  std::memcpy(head.data(), &length, sizeof length);
  file.write(head + header);
  for (const Planned& tensor : tensors) {
    const std::uint64_t size = bytes_of(tensor);
    std::uint64_t written = 0;
    const auto refuse = [&] {
      throw Error("its " + std::to_string(size) + " bytes were expected, not " +
                  std::to_string(written))
          .in(target.string())
          .field(tensor.name);
    };
    fill(tensor.index, [&](std::span<const std::byte> part) {
      written += part.size();
      if (written > size) refuse();
      file.write(part);
    });
    if (written != size) refuse();
  }
  file.commit();
}

// Shards filled in the order of add_tensor; a tensor above the limit has one for itself.
std::vector<std::vector<Planned>> split(const std::vector<Planned>& tensors, std::uint64_t limit) {
  std::vector<std::vector<Planned>> shards(1);
  std::uint64_t size = 0;
  for (const Planned& tensor : tensors) {
    if (!shards.back().empty() && size + bytes_of(tensor) > limit) {
      shards.emplace_back();
      size = 0;
    }
    shards.back().push_back(tensor);
    size += bytes_of(tensor);
  }
  return shards;
}

std::string shard_name(std::size_t index, std::size_t count) {
  const auto digits = [](std::size_t n) {
    const std::string text = std::to_string(n);
    return std::string(text.size() < 5 ? 5 - text.size() : 0, '0') + text;
  };
  return "model-" + digits(index + 1) + "-of-" + digits(count) + ".safetensors";
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const Path& target) : target_(target) {}

void SafetensorsWriter::add_tensor(std::string name, Type type, const Shape& shape) {
  plan(tensors_, std::move(name), type, shape, target_.string());
}

void SafetensorsWriter::finish(const FillTensor& fill) {
  check_names(tensors_, target_.string());
  write(target_, tensors_, fill);
}

SafetensorsFolderWriter::SafetensorsFolderWriter(const Path& folder, std::uint64_t shard_bytes)
    : folder_(folder), shard_bytes_(shard_bytes) {}

void SafetensorsFolderWriter::add_tensor(std::string name, Type type, const Shape& shape) {
  plan(tensors_, std::move(name), type, shape, folder_.string());
}

void SafetensorsFolderWriter::finish(const FillTensor& fill) {
  check_names(tensors_, folder_.string());
  const std::vector<std::vector<Planned>> shards = split(tensors_, shard_bytes_);
  if (shards.size() == 1) return write(folder_ / "model.safetensors", shards[0], fill);
  std::map<std::string, std::string> places;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    write(folder_ / name, shards[i], fill);
    for (const Planned& tensor : shards[i]) {
      places[tensor.name] = name;
      total += bytes_of(tensor);
    }
  }
  Json index = Json::object();
  index["metadata"]["total_size"] = total;
  index["weight_map"] = places;
  write_file(folder_ / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace bantam::files
