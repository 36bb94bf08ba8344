// What may follow a row, in place of one token: a teacher's answer.
#pragma once

#include <cstdint>
#include <span>

#include "base/rooms.h"

namespace bantam::ops {

// Tokens and the share of each; the shares add up to 1. Empty: the row has its one target.
struct SoftTarget {
  std::span<const std::int32_t> ids;
  std::span<const float> shares;
};

}  // namespace bantam::ops
