// What somebody who mistyped a word may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::base {

// The nearest of `known` to a mistyped word, for "did you mean"; empty when none is near.
std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace bantam::base
