#include "tensor/tensor.h"

#include "base/error.h"
#include "blocks/format.h"
#include "kernels/exec.h"

namespace bantam::tensor {

Tensor Tensor::zeros(Shape shape, Type type) {
  auto bytes = std::shared_ptr<std::byte[]>(
      allocate_bytes(static_cast<std::size_t>(byte_size(type, shape))).release(), FreeBytes{});
  const View view(bytes.get(), type, shape);
  return Tensor(view, std::move(bytes));
}

Tensor Tensor::borrowed(ConstView view, std::shared_ptr<const void> owner) {
  return Tensor(View(const_cast<std::byte*>(view.data), view.type, view.shape, view.stride),
                std::move(owner));
}

void require_shape(const char* what, const Tensor& tensor, const Shape& shape) {
  if (tensor.shape() != shape)
    throw Error("a shape of " + shape.text() + " was expected, not " + tensor.shape().text())
        .field(what);
}

}  // namespace bantam::tensor
