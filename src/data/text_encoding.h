// Text files as other programs write them: with a byte order mark, in UTF-16.
#pragma once

#include <string>

#include "base/rooms.h"

namespace bantam::data {

// What the text was; it is UTF-8 without a mark afterwards.
enum class TextEncoding : unsigned char { utf8, utf8_with_mark, utf16_little, utf16_big };

// Recognises UTF-16 by its mark, or without one by the zero bytes of ordinary text; what is no
// character becomes U+FFFD. Throws Error for UTF-32, which nobody writes.
TextEncoding to_utf8(std::string& text);

}  // namespace bantam::data
