// What \p{..} and the shorthands of Oniguruma come to, as the insides of a PCRE2 character class.
#pragma once

#include <array>
#include <string_view>

#include "base/rooms.h"

namespace bantam::words::regex_properties {

// As the insides of a class. White_Space; and what Oniguruma calls a word: Unicode TR18,
// annex C, and outside classes six characters more (src/unicode.c has a table of its own for
// Latin-1).
inline constexpr std::string_view kSpace = "\\x{9}-\\x{d}\\x{85}\\p{Z}";
inline constexpr std::string_view kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
inline constexpr std::string_view kWordAlone =
    "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";
inline constexpr std::string_view kHex = "0-9a-fA-F";

struct Property {
  std::string_view name, items;  // lower case without ' ', '-', '_'; the insides of a class
};
// Besides the two-letter categories, which are the same in both.
inline constexpr std::array kProperties = {
    Property{"any", "\\x{0}-\\x{10ffff}"},
    Property{"letter", "\\p{L}"},
    Property{"lc", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    Property{"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    Property{"uppercaseletter", "\\p{Lu}"},
    Property{"lowercaseletter", "\\p{Ll}"},
    Property{"titlecaseletter", "\\p{Lt}"},
    Property{"modifierletter", "\\p{Lm}"},
    Property{"otherletter", "\\p{Lo}"},
    Property{"mark", "\\p{M}"},
    Property{"nonspacingmark", "\\p{Mn}"},
    Property{"spacingmark", "\\p{Mc}"},
    Property{"enclosingmark", "\\p{Me}"},
    Property{"number", "\\p{N}"},
    Property{"decimalnumber", "\\p{Nd}"},
    Property{"letternumber", "\\p{Nl}"},
    Property{"othernumber", "\\p{No}"},
    Property{"punctuation", "\\p{P}"},
    Property{"punct", "\\p{P}\\p{S}"},
    Property{"symbol", "\\p{S}"},
    Property{"separator", "\\p{Z}"},
    Property{"spaceseparator", "\\p{Zs}"},
    Property{"other", "\\p{C}"},
    Property{"control", "\\p{Cc}"},
    Property{"format", "\\p{Cf}"},
    Property{"alphabetic", "\\p{Alphabetic}"},
    Property{"alpha", "\\p{Alphabetic}"},
    Property{"uppercase", "\\p{Uppercase}"},
    Property{"upper", "\\p{Uppercase}"},
    Property{"lowercase", "\\p{Lowercase}"},
    Property{"lower", "\\p{Lowercase}"},
    Property{"whitespace", kSpace},
    Property{"space", kSpace},
    Property{"digit", "\\p{Nd}"},
    Property{"alnum", "\\p{Alphabetic}\\p{Nd}"},
    Property{"word", kWord},
    Property{"xdigit", kHex},
    Property{"cntrl", "\\p{Cc}"},
    Property{"emoji", "\\p{Emoji}"},
    Property{"extendedpictographic", "\\p{Extended_Pictographic}"},
};
inline constexpr std::array<std::string_view, 37> kCategories = {
    "c",  "cc", "cf", "cn", "co", "l",  "ll", "lm", "lo", "lt", "lu", "m",  "mc",
    "me", "mn", "n",  "nd", "nl", "no", "p",  "pc", "pd", "pe", "pf", "pi", "po",
    "ps", "s",  "sc", "sk", "sm", "so", "z",  "zl", "zp", "zs", "cs"};

}  // namespace bantam::words::regex_properties
