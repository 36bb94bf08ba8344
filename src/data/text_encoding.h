// Text files as other programs write them: with a byte order mark, in UTF-16.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/rooms.h"

namespace bantam::data {

// What the text was; it is UTF-8 without a mark afterwards.
enum class TextEncoding : unsigned char { utf8, utf8_with_mark, utf16_little, utf16_big };

// A place in a UTF-16 text that is no character: half a pair of surrogates (two bytes), or a last byte alone.
struct Utf16Damage {
  std::uint64_t offset, bytes;  // of the text as it was
};

// Recognises UTF-16 by its mark, or without one by the zero bytes of ordinary text; what is no
// character becomes U+FFFD. With `damage` it becomes a byte 0xFF instead, which is no UTF-8, and is told there in
// order, so that it can be dealt with as other damage is. Throws Error for UTF-32, which nobody writes.
TextEncoding to_utf8(std::string& text, std::vector<Utf16Damage>* damage = nullptr);

}  // namespace bantam::data
