// What a file is that is not what was expected: people pass pickles, pointers and web pages.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/rooms.h"

namespace bantam::files {

// A clause such as "; it looks like a web page: download the file itself", or an empty string.
std::string foreign_hint(std::span<const std::byte> head);

// Whether a file that begins so is text: without control characters, in whatever encoding, or UTF-16 with its mark.
// Weights have zeros among their first bytes, pickles and archives their marks.
bool looks_like_text(std::span<const std::byte> head);

}  // namespace bantam::files
