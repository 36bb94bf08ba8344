#include "files/tensor_info.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace bantam::files {

const TensorInfo* TensorTable::assign(std::vector<TensorInfo> tensors) {
  tensors_ = std::move(tensors);
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  const auto name = [this](std::uint32_t i) -> const std::string& { return tensors_[i].name; };
  std::ranges::sort(by_name_, [&](std::uint32_t a, std::uint32_t b) {
    const int order = name(a).compare(name(b));
    return order != 0 ? order < 0 : a < b;
  });
  const auto twin = std::ranges::adjacent_find(
      by_name_, [&](std::uint32_t a, std::uint32_t b) { return name(a) == name(b); });
  return twin == by_name_.end() ? nullptr : &tensors_[*(twin + 1)];
}

const TensorInfo* TensorTable::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      by_name_, name, {}, [this](std::uint32_t i) { return std::string_view(tensors_[i].name); });
  if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
  return &tensors_[*found];
}

const TensorInfo& TensorSource::need(std::string_view name) const {
  if (const TensorInfo* tensor = find(name)) return *tensor;
  throw Error("the model has no such tensor, which its architecture requires")
      .in(path())
      .field(std::string(name));
}

const TensorInfo& TensorSource::need(std::string_view name, const Shape& shape) const {
  const TensorInfo& tensor = need(name);
  if (tensor.shape == shape) return tensor;
  throw Error("the shape " + shape.text() + " was expected, not " + tensor.shape.text())
      .in(tensor.file)
      .field(tensor.name)
      .at(tensor.offset);
}

}  // namespace bantam::files
