// UTF-8 and the character classes that tokenizers ask for. Ill-formed bytes are read as U+FFFD, one
// for each maximal subpart (Unicode 15, section 3.9, "U+FFFD Substitution of Maximal Subparts"), as
// Rust's and Python's decoders do: so "\xE4\xBD" is one U+FFFD of size 2, "\xC0\xAF" is two of
// size 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::words {

inline constexpr char32_t kReplacement = 0xFFFD;

struct Rune {
  char32_t value;  // kReplacement for ill-formed bytes
  unsigned size;   // bytes it takes in the text, 1 to 4
};

// The character at byte `at`, which must be below text.size().
Rune decode_rune(std::string_view text, std::size_t at);

// The length of the longest prefix that is well-formed UTF-8: text.size() when all of it is.
std::size_t valid_utf8_prefix(std::string_view text);
inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

// The text with each ill-formed subpart replaced by U+FFFD (three bytes).
std::string repair_utf8(std::string_view text);

// Appends the UTF-8 of `value`; what is not a scalar value (surrogates, above U+10FFFF) as U+FFFD.
void append_utf8(std::string& out, char32_t value);

// Bits of a character's class: that of its general category in Unicode 16, and `space` beside it.
// White space in Cc has `space` alone, so that `plain` is one test.
namespace char_class {
inline constexpr std::uint16_t upper = 1;          // Lu, Lt
inline constexpr std::uint16_t lower = 2;          // Ll
inline constexpr std::uint16_t other_letter = 4;   // Lm, Lo
inline constexpr std::uint16_t mark = 8;           // M
inline constexpr std::uint16_t digit = 16;         // Nd
inline constexpr std::uint16_t other_number = 32;  // Nl, No
inline constexpr std::uint16_t punctuation = 64;   // P
inline constexpr std::uint16_t symbol = 128;       // S
inline constexpr std::uint16_t separator = 256;    // Z
inline constexpr std::uint16_t other = 512;        // C, unassigned included, but white space
// White_Space, which is \s of Oniguruma and of Rust's regex: Z, U+0009-000D, U+0085.
inline constexpr std::uint16_t space = 1024;
inline constexpr std::uint16_t custom = 2048;  // for tables of one's own
inline constexpr std::uint16_t letter = upper | lower | other_letter;
inline constexpr std::uint16_t number = digit | other_number;
inline constexpr std::uint16_t plain = mark | punctuation | symbol | other;  // [^\s\p{L}\p{N}]
}  // namespace char_class

// Two stages of 128 characters, filled from utf8proc on first use.
class CharClasses {
 public:
  static const CharClasses& get();
  std::uint16_t operator[](char32_t value) const {
    return value < 0x110000 ? blocks_[index_[value >> 7] | (value & 127)] : char_class::other;
  }
  // Of a character below 128: its block comes first.
  std::uint16_t ascii(unsigned char value) const { return blocks_[value]; }

  // A table of one's own: `change` gets each character and its class and returns what to hold.
  using Change = std::function<std::uint16_t(char32_t, std::uint16_t)>;
  explicit CharClasses(const Change& change);

 private:
  std::vector<std::uint32_t> index_;   // of each block of 128 characters, where its classes begin
  std::vector<std::uint16_t> blocks_;  // equal blocks are stored once
};

// White space as Unicode has it (White_Space).
inline bool is_white_space(char32_t value) {
  return CharClasses::get()[value] & char_class::space;
}

}  // namespace bantam::words
