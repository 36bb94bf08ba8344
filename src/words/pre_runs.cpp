// Sets of characters, and what a word character is.
#include "words/pre_runs.h"

#include <utf8proc.h>

#include <map>

namespace bantam::words::pre {

CodeSet::CodeSet(std::string_view ranges, std::uint16_t bits, bool negative) {
  std::vector<std::uint64_t> all(0x110000 / 64);
  const auto insert = [&](char32_t c) { all[c >> 6] |= std::uint64_t{1} << (c & 63); };
  for (std::size_t at = 0; at < ranges.size();) {
    const Rune first = decode_rune(ranges, at);
    at += first.size;
    Rune last = first;
    if (at + 1 < ranges.size() && ranges[at] == '-') {
      last = decode_rune(ranges, at + 1);
      at += 1 + last.size;
    }
    for (char32_t c = first.value; c <= last.value; ++c) insert(c);
  }
  const CharClasses& classes = CharClasses::get();
  for (char32_t c = 0; bits != 0 && c < 0x110000; ++c)
    if (classes[c] & bits) insert(c);

  std::map<std::uint64_t, std::uint16_t> known;
  for (std::uint64_t word : all) {
    if (negative) word = ~word;
    const auto [place, is_new] = known.try_emplace(word, static_cast<std::uint16_t>(words_.size()));
    if (is_new) words_.push_back(word);
    index_.push_back(place->second);
  }
  ascii_ = {words_[index_[0]], words_[index_[1]]};
  constexpr std::uint64_t kLetters = 0x07FFFFFE07FFFFFE;
  ascii_letters_ = (ascii_[1] & kLetters) == kLetters;
}

bool is_word(char32_t value) {
  using namespace char_class;
  const std::uint16_t bits = CharClasses::get()[value];
  if (bits & (letter | mark | digit)) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  if (category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC) return true;
  // Superscript digits and vulgar fractions of Latin-1, which Oniguruma counts in.
  if (value == 0xB2 || value == 0xB3 || value == 0xB9 || (value >= 0xBC && value <= 0xBE))
    return true;
  // The symbols of Other_Alphabetic (PropList.txt): circled and squared letters.
  return (value >= 0x24B6 && value <= 0x24E9) || (value >= 0x1F130 && value <= 0x1F149) ||
         (value >= 0x1F150 && value <= 0x1F169) || (value >= 0x1F170 && value <= 0x1F189);
}

}  // namespace bantam::words::pre
