// What a file is that is not what was expected: people pass pickles, pointers and web pages.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/rooms.h"

namespace bantam::files {

// A clause such as "; it looks like a web page: download the file itself", or an empty string.
std::string foreign_hint(std::span<const std::byte> head);

// Whether a file that begins so is text: UTF-8 without control characters (its last character may be cut), or
// UTF-16 with its mark.
bool looks_like_text(std::span<const std::byte> head);

}  // namespace bantam::files
