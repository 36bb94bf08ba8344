// UTF-8 and character classes, against tables of the Unicode standard.
#include "words/unicode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bantam {
namespace {

std::vector<std::pair<char32_t, unsigned>> decode_all(std::string_view text) {
  std::vector<std::pair<char32_t, unsigned>> runes;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    runes.emplace_back(rune.value, rune.size);
    at += rune.size;
  }
  return runes;
}

TEST(Unicode, EveryScalarValueSurvivesEncodingAndDecoding) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const Rune rune = decode_rune(text, 0);
    ASSERT_EQ(rune.value, c);
    ASSERT_EQ(rune.size, text.size());
    ASSERT_TRUE(is_valid_utf8(text));
  }
}

// Expected values: Python's bytes.decode("utf-8", "replace"), which follows the same rule.
TEST(Unicode, IllFormedSubpartsBecomeOneReplacementEach) {
  struct Case {
    std::string bytes, repaired;
  };
  const std::string r = "\xEF\xBF\xBD";
  const Case cases[] = {
      {"\xFF", r},
      {"a\x80z", "a" + r + "z"},
      {"\xC0\xAF", r + r},
      {"abc \xE4\xBD", "abc " + r},
      {"\xE4\xBD z", r + " z"},
      {"\xED\xA0\x80", r + r + r},
      {"\xF4\x90\x80\x80", r + r + r + r},
      {"\xF0\x9F\x98", r},
      {"\xF0\x9F\x98\xF0\x9F\x98\x80", r + "\xF0\x9F\x98\x80"},
      {"\xE0\x80\x80", r + r + r},
      {"\xF8\x88\x80\x80\x80", r + r + r + r + r},
      {"\xC2", r},
      {"\xC2\xC2\xA0", r + "\xC2\xA0"},
      {"", ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(repair_utf8(c.bytes), c.repaired);
    std::string by_runes;
    for (const auto& [value, size] : decode_all(c.bytes)) append_utf8(by_runes, value);
    EXPECT_EQ(by_runes, c.repaired);
    EXPECT_EQ(is_valid_utf8(c.bytes), c.bytes == c.repaired);
  }
}

TEST(Unicode, ValidPrefixEndsAtTheFirstIllFormedByteWhereverItLies) {
  const std::string sample = "plain ascii, then \xC3\xA9 and \xE4\xB8\xAD and \xF0\x9F\x98\x80 end";
  for (std::size_t at = 0; at <= sample.size(); ++at) {
    std::string broken = sample;
    broken.insert(at, 1, '\xFF');
    // An insertion inside a character breaks it where it begins.
    std::size_t begin = at;
    while (begin > 0 && begin < sample.size() &&
           (static_cast<unsigned char>(sample[begin]) & 0xC0) == 0x80)
      --begin;
    EXPECT_EQ(valid_utf8_prefix(broken), begin);
  }
}

TEST(Unicode, NotScalarValuesAreWrittenAsReplacement) {
  for (const char32_t c : {char32_t{0xD800}, char32_t{0xDFFF}, char32_t{0x110000}}) {
    std::string text;
    append_utf8(text, c);
    EXPECT_EQ(text, "\xEF\xBF\xBD");
  }
}

TEST(Unicode, ClassesOfKnownCharacters) {
  namespace cc = char_class;
  struct Case {
    char32_t value;
    std::uint16_t expected;
  };
  const Case cases[] = {
      {'a', cc::lower},
      {'Z', cc::upper},
      {0x01C5, cc::upper},  // Lt
      {0x02B0, cc::other_letter},
      {0x4E2D, cc::other_letter},
      {0x3007, cc::other_number},  // ideographic zero is Nl
      {0x0301, cc::mark},
      {0x0903, cc::mark},
      {0x20DD, cc::mark},
      {'7', cc::digit},
      {0x0967, cc::digit},
      {0x00BD, cc::other_number},
      {0x2163, cc::other_number},
      {'_', cc::punctuation},
      {0x3001, cc::punctuation},
      {'+', cc::symbol},
      {0x1F600, cc::symbol},
      {kReplacement, cc::symbol},
      {' ', cc::separator | cc::space},
      {0x00A0, cc::separator | cc::space},
      {0x2028, cc::separator | cc::space},
      {'\t', cc::space},
      {0x85, cc::space},
      {0x1C, cc::other},
      {0x180E, cc::other},  // once white space, now Cf
      {0x200B, cc::other},
      {0xFEFF, cc::other},
      {0x0378, cc::other},  // unassigned
      {0x1C89, cc::upper},  // of Unicode 16
      {0x13460, cc::other_letter},
      {0x1CCF9, cc::digit},
      {0x1FAE9, cc::symbol},
      {0xE000, cc::other},
      {0x10FFFF, cc::other},
      {0x110000, cc::other},
      {0xFFFFFFFF, cc::other},
  };
  for (const Case& c : cases)
    EXPECT_EQ(CharClasses::get()[c.value], c.expected)
        << std::hex << static_cast<unsigned>(c.value);
}

// PropList.txt of Unicode 15, White_Space: 25 characters.
TEST(Unicode, SpaceIsWhiteSpace) {
  std::vector<char32_t> spaces;
  for (char32_t c = 0; c < 0x110000; ++c)
    if (CharClasses::get()[c] & char_class::space) spaces.push_back(c);
  const std::vector<char32_t> expected = {0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,
                                          0xA0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                          0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028,
                                          0x2029, 0x202F, 0x205F, 0x3000};
  EXPECT_EQ(spaces, expected);
}

}  // namespace
}  // namespace bantam
