#include "files/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace bantam {
namespace {

TEST(Utf8, AcceptsWhatRfc3629Allows) {
  for (const std::string text : {"", "abc", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                                 "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
                                 "\xf4\x8f\xbf\xbf", "plain text of more than eight bytes é"})
    EXPECT_EQ(utf8_prefix(text), text.size()) << text;
}

TEST(Utf8, StopsAtTheFirstByteOfWhatIsNot) {
  for (const std::string bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ",
                                "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    for (const std::string before : {"", "a", "1234567", "12345678", "é"}) {
      EXPECT_EQ(utf8_prefix(before + bad), before.size()) << bad;
      EXPECT_EQ(utf8_prefix(before + bad + "and more text"), before.size()) << bad;
    }
}

}  // namespace
}  // namespace bantam
