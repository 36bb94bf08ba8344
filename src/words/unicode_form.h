// Unicode normalisation forms (Unicode Standard Annex 15), by utf8proc.
#pragma once

#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::words {

enum class UnicodeForm { nfc, nfd, nfkc, nfkd };
// `text` is well-formed UTF-8. Takes time linear in the text.
std::string to_unicode_form(std::string_view text, UnicodeForm form);

}  // namespace bantam::words
