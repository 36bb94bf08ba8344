// Sums as a person writes them: 12 * (3 + 4.5), 20% of nothing, $1,200 / 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::judge {

// The value of an expression of numbers, + - * / (also x, × and ÷), brackets and percentages, in the
// form that a person would write: no needless zeros, at most ten digits that count. Nothing where it is
// no such expression, or its value is no finite number. Commas within a number and signs of money before
// it are passed over.
std::optional<std::string> calculate(std::string_view expression);

}  // namespace bantam::judge
