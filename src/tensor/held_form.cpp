#include "tensor/held_form.h"

#include "blocks/format.h"
#include "kernels/memory_size.h"
#include "tensor/context.h"

namespace bantam::tensor {

HeldForm held_form(Type stored, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::bf16) return HeldForm::panels;
  if (format(stored).block == 1) return HeldForm::rows;
  return arithmetic == Arithmetic::f32 ? HeldForm::wide : HeldForm::strips;
}

std::int64_t held_bytes(const Shape& shape, Type stored, Arithmetic arithmetic) {
  const std::int64_t k = shape.back(), n = shape.count() / k;
  switch (held_form(stored, arithmetic)) {
    case HeldForm::rows:
      break;
    case HeldForm::wide:
      return byte_size(Type::f32, shape);
    case HeldForm::strips:
      return packed_size(stored, n, k).total();
    case HeldForm::panels:
      return PackedB::bytes(k, n);
  }
  return byte_size(stored, shape);
}

}  // namespace bantam::tensor
