// A GGUF model in several files, opened by any of them.
#include <algorithm>

#include "base/error.h"
#include "files/gguf.h"
#include "files/gguf_parts.h"

namespace bantam::files {

// Throws when this file is not the part that its name says.
void GgufFile::check_part(std::uint64_t number, std::uint64_t count) const {
  const auto expect = [this](const char* key, std::uint64_t wanted, const std::string& message) {
    if (metadata_.need_uint(key) != wanted)
      throw Error(message).in(name_).field(key).at(metadata_.find(key)->value_offset);
  };
  expect(kSplitCount, count,
         "another number of parts than " + std::to_string(count) + "; it belongs to another model");
  expect(kSplitNo, number,
         "it says that it is not part " + std::to_string(number + 1) +
             ", as its name does; it was renamed, or belongs to another model");
}

// Opens the other parts, whichever of them this is.
void GgufFile::gather() {
  const std::uint64_t count = metadata_.find_uint(kSplitCount).value_or(0);
  if (count < 2) return;
  const auto refuse = [this](const std::string& message) {
    return Error(message).in(name_).field(kSplitCount);
  };
  if (count > kMaxGgufParts)
    throw refuse("a model in " + std::to_string(count) + " parts; at most " +
                 std::to_string(kMaxGgufParts) + " are supported");
  const std::uint64_t number = metadata_.need_uint(kSplitNo);
  if (number >= count)
    throw refuse("part " + std::to_string(number + 1) + " of " + std::to_string(count) +
                 " cannot be");
  const auto named = gguf_part_name(name_);
  if (!named || named->number != number || named->count != count)
    throw refuse("it is part " + std::to_string(number + 1) + " of " + std::to_string(count) +
                 " of a model, so that its name should end in " + gguf_part_suffix(number, count) +
                 ", and the names of the others likewise; give them their names back");
  const auto open = [&](std::uint64_t i) {
    GgufFile part(present_part(gguf_part_path(named->prefix, i, count)), Alone{});
    part.check_part(i, count);
    return part;
  };
  if (number != 0) *this = open(0);
  std::vector<TensorInfo> all(table_.tensors().begin(), table_.tensors().end());
  for (std::uint64_t i = 1; i < count; ++i) {
    const GgufFile& part = others_.emplace_back(open(i));
    all.insert(all.end(), part.tensors().begin(), part.tensors().end());
    if (all.size() > kMaxTensors)
      throw refuse("the parts hold more than " + std::to_string(kMaxTensors) + " tensors");
  }
  if (const auto said = metadata_.find_uint(kSplitTensors); said && *said != all.size())
    throw Error("its parts hold " + std::to_string(all.size()) + " tensors" + ", not " +
                std::to_string(*said) + "; they are of different models")
        .in(name_)
        .field(kSplitTensors)
        .at(metadata_.find(kSplitTensors)->value_offset);
  if (const TensorInfo* twin = table_.assign(std::move(all)))
    throw Error("two parts hold a tensor of this name").in(twin->file).field(twin->name);
}

std::uint64_t GgufFile::size() const {
  std::uint64_t all = bytes_.size();
  for (const GgufFile& part : others_) all += part.bytes_.size();
  return all;
}

void GgufFile::release(const TensorInfo& tensor, std::span<const std::byte> part) const {
  if (!mapped_) return;
  if (tensor.file == name_) return mapped_->release(part);
  const auto of = std::ranges::find(others_, tensor.file, &GgufFile::name_);
  if (of != others_.end()) of->release(tensor, part);
}

void GgufFile::release_all() const {
  if (mapped_) mapped_->release(bytes_);
  for (const GgufFile& part : others_) part.release_all();
}

}  // namespace bantam::files
