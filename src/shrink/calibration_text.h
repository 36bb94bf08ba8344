// A text to measure importance on where the user has none: many languages, code and data, so that
// none of them is rounded as if it did not matter. Written for this program.
#pragma once

#include <string_view>

#include "base/rooms.h"

namespace bantam::shrink {

std::string_view calibration_text();

}  // namespace bantam::shrink
