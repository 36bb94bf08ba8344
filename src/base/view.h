// Memory with a shape and an element type, owned by somebody else: what kernels and files speak.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/rooms.h"

namespace bantam::base {

// Element and block types. The table in blocks/ knows sizes, names and how to decode each.
enum class Type : std::uint8_t { f32, f16, bf16, q8_0, i32, q4_0, q6_k, q4_1, q5_0, q5_1, q2_k, q3_k, q4_k, q5_k, iq4_nl, iq4_xs, tq1_0, tq2_0, mxfp4, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s, iq1_s, iq1_m };

// At most four dimensions, the last one contiguous in memory: [rows, columns] is row-major.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    assert(dims.size() <= 4);
    for (std::size_t i = 0; i < dims.size(); ++i) dims_[i] = dims[i];
  }
  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  std::int64_t back() const { return rank_ == 0 ? 1 : dims_[static_cast<std::size_t>(rank_ - 1)]; }
  std::int64_t count() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= dims_[static_cast<std::size_t>(i)];
    return n;
  }
  // All but the last dimension multiplied: the number of rows.
  std::int64_t rows() const { return back() == 0 ? 0 : count() / back(); }
  friend bool operator==(const Shape&, const Shape&) = default;
  std::string text() const {  // "[3, 17]"
    std::string out = "[";
    for (int i = 0; i < rank_; ++i)
      out += (i ? ", " : "") + std::to_string(dims_[static_cast<std::size_t>(i)]);
    return out + "]";
  }

 private:
  std::array<std::int64_t, 4> dims_{};
  int rank_ = 0;
};

// Rows of `shape.back()` elements, `stride` elements apart (block types: stride == columns).
template <class Byte>
struct BasicView {
  Byte* data = nullptr;
  Type type = Type::f32;
  Shape shape;
  std::int64_t stride = 0;

  BasicView() = default;
  BasicView(Byte* data_, Type type_, Shape shape_)
      : data(data_), type(type_), shape(shape_), stride(shape_.back()) {}
  BasicView(Byte* data_, Type type_, Shape shape_, std::int64_t stride_)
      : data(data_), type(type_), shape(shape_), stride(stride_) {}
  operator BasicView<const std::byte>() const { return {data, type, shape, stride}; }

  template <class T>
  auto* as() const {
    using Out = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    return reinterpret_cast<Out*>(data);
  }
  std::int64_t rows() const { return shape.rows(); }
  std::int64_t columns() const { return shape.back(); }
};
using View = BasicView<std::byte>;
using ConstView = BasicView<const std::byte>;

}  // namespace bantam::base
