// Characters that Unicode assigned after version 15, up to 16 (DerivedGeneralCategory.txt), for the
// class table: the engine of Hugging Face's tokenizers knows them (Oniguruma 6.9.10), utf8proc 2.8
// does not yet. Where utf8proc knows a character, its answer stands.
#pragma once

#include <cstdint>

#include "base/rooms.h"
#include "words/unicode.h"

namespace bantam::words {

struct NewerRange {
  char32_t first, last;
  std::uint16_t bits;
};
inline constexpr NewerRange kNewerRanges[] = {
    {0x897, 0x897, char_class::mark},
    {0x1B4E, 0x1B4F, char_class::punctuation},
    {0x1B7F, 0x1B7F, char_class::punctuation},
    {0x1C89, 0x1C89, char_class::upper},
    {0x1C8A, 0x1C8A, char_class::lower},
    {0x2427, 0x2429, char_class::symbol},
    {0x2FFC, 0x2FFF, char_class::symbol},
    {0x31E4, 0x31E5, char_class::symbol},
    {0x31EF, 0x31EF, char_class::symbol},
    {0xA7CB, 0xA7CC, char_class::upper},
    {0xA7CD, 0xA7CD, char_class::lower},
    {0xA7DA, 0xA7DA, char_class::upper},
    {0xA7DB, 0xA7DB, char_class::lower},
    {0xA7DC, 0xA7DC, char_class::upper},
    {0x105C0, 0x105F3, char_class::other_letter},
    {0x10D40, 0x10D49, char_class::digit},
    {0x10D4A, 0x10D4F, char_class::other_letter},
    {0x10D50, 0x10D65, char_class::upper},
    {0x10D69, 0x10D6D, char_class::mark},
    {0x10D6E, 0x10D6E, char_class::punctuation},
    {0x10D6F, 0x10D6F, char_class::other_letter},
    {0x10D70, 0x10D85, char_class::lower},
    {0x10D8E, 0x10D8F, char_class::symbol},
    {0x10EC2, 0x10EC4, char_class::other_letter},
    {0x10EFC, 0x10EFC, char_class::mark},
    {0x11380, 0x11389, char_class::other_letter},
    {0x1138B, 0x1138B, char_class::other_letter},
    {0x1138E, 0x1138E, char_class::other_letter},
    {0x11390, 0x113B5, char_class::other_letter},
    {0x113B7, 0x113B7, char_class::other_letter},
    {0x113B8, 0x113C0, char_class::mark},
    {0x113C2, 0x113C2, char_class::mark},
    {0x113C5, 0x113C5, char_class::mark},
    {0x113C7, 0x113CA, char_class::mark},
    {0x113CC, 0x113D0, char_class::mark},
    {0x113D1, 0x113D1, char_class::other_letter},
    {0x113D2, 0x113D2, char_class::mark},
    {0x113D3, 0x113D3, char_class::other_letter},
    {0x113D4, 0x113D5, char_class::punctuation},
    {0x113D7, 0x113D8, char_class::punctuation},
    {0x113E1, 0x113E2, char_class::mark},
    {0x116D0, 0x116E3, char_class::digit},
    {0x11BC0, 0x11BE0, char_class::other_letter},
    {0x11BE1, 0x11BE1, char_class::punctuation},
    {0x11BF0, 0x11BF9, char_class::digit},
    {0x11F5A, 0x11F5A, char_class::mark},
    {0x13460, 0x143FA, char_class::other_letter},
    {0x16100, 0x1611D, char_class::other_letter},
    {0x1611E, 0x1612F, char_class::mark},
    {0x16130, 0x16139, char_class::digit},
    {0x16D40, 0x16D6C, char_class::other_letter},
    {0x16D6D, 0x16D6F, char_class::punctuation},
    {0x16D70, 0x16D79, char_class::digit},
    {0x18CFF, 0x18CFF, char_class::other_letter},
    {0x1CC00, 0x1CCEF, char_class::symbol},
    {0x1CCF0, 0x1CCF9, char_class::digit},
    {0x1CD00, 0x1CEB3, char_class::symbol},
    {0x1E5D0, 0x1E5ED, char_class::other_letter},
    {0x1E5EE, 0x1E5EF, char_class::mark},
    {0x1E5F0, 0x1E5F0, char_class::other_letter},
    {0x1E5F1, 0x1E5FA, char_class::digit},
    {0x1E5FF, 0x1E5FF, char_class::punctuation},
    {0x1F8B2, 0x1F8BB, char_class::symbol},
    {0x1F8C0, 0x1F8C1, char_class::symbol},
    {0x1FA89, 0x1FA89, char_class::symbol},
    {0x1FA8F, 0x1FA8F, char_class::symbol},
    {0x1FABE, 0x1FABE, char_class::symbol},
    {0x1FAC6, 0x1FAC6, char_class::symbol},
    {0x1FADC, 0x1FADC, char_class::symbol},
    {0x1FADF, 0x1FADF, char_class::symbol},
    {0x1FAE9, 0x1FAE9, char_class::symbol},
    {0x1FBCB, 0x1FBEF, char_class::symbol},
    {0x2EBF0, 0x2EE5D, char_class::other_letter},
};

}  // namespace bantam::words
