// \w of Rust's regex crate (UTS #18, annex C): Alphabetic, marks, decimal digits, connectors, join
// controls.
#pragma once

#include <utf8proc.h>

#include "base/rooms.h"
#include "words/unicode.h"

namespace bantam::words {

inline bool is_word_char(char32_t value) {
  const std::uint16_t classes = CharClasses::get()[value];
  if (classes & (char_class::letter | char_class::mark | char_class::digit)) return true;
  if (value < 0x80) return value == '_';
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    case UTF8PROC_CATEGORY_SO:  // letters in circles and squares are Other_Alphabetic
      return (value >= 0x24B6 && value <= 0x24E9) || (value >= 0x1F130 && value <= 0x1F149) ||
             (value >= 0x1F150 && value <= 0x1F169) || (value >= 0x1F170 && value <= 0x1F189);
    default:
      return value == 0x200C || value == 0x200D;
  }
}

}  // namespace bantam::words
