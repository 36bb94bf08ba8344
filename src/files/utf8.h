// Is a text UTF-8? (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF.)
#pragma once

#include <cstddef>
#include <string_view>

#include "base/rooms.h"

namespace bantam::files {

// Length of the longest prefix that is whole UTF-8; text.size() when all of it is.
std::size_t utf8_prefix(std::string_view text);

}  // namespace bantam::files
