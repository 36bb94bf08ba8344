#include "adapt/adapter_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam::adapt {

Tensor read_numbers(const TensorInfo& info, int rank) {
  const auto fail = [&](const std::string& what) {
    throw Error(what).in(info.file).field(info.name).at(info.offset);
  };
  if (!info.format || !info.format->decode) fail("its type " + info.type_name + " cannot be read");
  if (info.shape.rank() != rank)
    fail("a shape of " + std::to_string(rank) + " numbers was expected, not " + info.shape.text());
  const std::int64_t count = info.shape.count();
  if (count == 0 || count % info.format->block != 0) fail("a tensor of " + info.shape.text());
  Tensor out = Tensor::zeros(info.shape);
  info.format->decode(info.data.data(), out.f32(), count);
  if (!std::all_of(out.f32(), out.f32() + count, [](float x) { return std::isfinite(x); }))
    fail("it holds what is no finite number");
  return out;
}

Tensor rows_of(const Tensor& whole, std::int64_t first, std::int64_t count) {
  const std::int64_t width = whole.shape().count() / whole.dim(0);
  Tensor out = Tensor::zeros(whole.shape().rank() == 1 ? Shape{count} : Shape{count, width});
  std::memcpy(out.f32(), whole.f32() + first * width, static_cast<std::size_t>(count * width) * 4);
  return out;
}

}  // namespace bantam::adapt
