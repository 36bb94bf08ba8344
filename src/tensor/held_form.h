// The form in which a weight lies in memory for the products of an arithmetic, and its bytes: the
// one place that loading and planning both ask.
#pragma once

#include <cstdint>

#include "base/rooms.h"
#include "base/view.h"

namespace bantam::tensor {

enum class Arithmetic : std::uint8_t;

enum class HeldForm : std::uint8_t {
  rows,    // as they are stored, in the mapped file where they lie there side by side
  wide,    // rows widened to float32
  strips,  // PackedBlocks
  panels,  // PackedB
};
HeldForm held_form(Type stored, Arithmetic arithmetic);
// Of a matrix [N,K] that is stored as `stored`.
std::int64_t held_bytes(const Shape& shape, Type stored, Arithmetic arithmetic);

}  // namespace bantam::tensor
