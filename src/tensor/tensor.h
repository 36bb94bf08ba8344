// A handle on numbers: shape, element type, and storage that it shares with its copies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/view.h"
#include "kernels/kernels.h"

namespace bantam::tensor {

class Tensor {
 public:
  Tensor() = default;
  // `owner` keeps the memory alive; null: an arena does, until its mark is released.
  Tensor(View view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)) {}

  // Zeroed memory of its own.
  static Tensor zeros(Shape shape, Type type = Type::f32);
  // Read-only memory of somebody else's (a mapped file); writing to it is a fault of the program.
  static Tensor borrowed(ConstView view, std::shared_ptr<const void> owner);

  explicit operator bool() const { return view_.data != nullptr; }
  const Shape& shape() const { return view_.shape; }
  std::int64_t dim(int i) const { return view_.shape[i]; }
  std::int64_t rows() const { return view_.rows(); }
  std::int64_t columns() const { return view_.columns(); }
  Type type() const { return view_.type; }
  const View& view() const { return view_; }
  float* f32() const { return view_.as<float>(); }

  // The place of the gradient on the tape; negative: nobody wants one.
  std::int32_t slot() const { return slot_; }
  Tensor with_slot(std::int32_t slot) const {
    Tensor t = *this;
    t.slot_ = slot;
    return t;
  }

 private:
  View view_;
  std::shared_ptr<const void> owner_;
  std::int32_t slot_ = -1;
};

// Throws Error "WHAT: a shape of [..] was expected, not [..]".
void require_shape(const char* what, const Tensor& tensor, const Shape& shape);

}  // namespace bantam::tensor
