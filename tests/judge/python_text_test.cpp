// What Python's strings and patterns do.
#include "judge/python_text.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bantam::judge {
namespace {

TEST(PythonText, CutsWhiteSpace) {
  EXPECT_EQ(strip(" \t a b\xC2\xA0\xE3\x80\x80\n\x1C"), "a b");
  EXPECT_EQ(strip("\xC2\x85x\xE2\x80\x8B"), "x\xE2\x80\x8B");  // a zero-width space is none
  EXPECT_EQ(strip(" \n"), "");
  EXPECT_EQ(right_edge("Answer: "), 7u);
}

TEST(PythonText, CountsAndCapitals) {
  EXPECT_EQ(code_points("a\xE4\xBD\xA0\xF0\x9F\x98\x80"), 3u);
  EXPECT_EQ(capitalize("hELLO \xC3\x84 World"), "Hello \xC3\xA4 world");
  EXPECT_EQ(split_count(" a  b\n"), 4u);
  EXPECT_EQ(split_count(""), 1u);
  EXPECT_EQ(replace_all("a   b", "  ", " "), "a  b");
  EXPECT_EQ(split_spaces("a  b").size(), 3u);
}

TEST(Pattern, FindsAndRemoves) {
  const Pattern number(R"((-?[$0-9.,]{2,})|(-?[0-9]+))");
  const auto all = number.find_all("it is $29.00 or 7");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0][1], "$29.00");
  EXPECT_EQ(all[1][1], std::nullopt);
  EXPECT_EQ(all[1][2], "7");
  EXPECT_EQ(Pattern("x*").find_all("axb").size(), 4u);  // as re.finditer
  EXPECT_EQ(Pattern("(?s).*#### ").removed_from("a\nb #### 7"), "7");
  EXPECT_THROW(Pattern("(a"), Error);
  EXPECT_THROW(Pattern("(a+)+$").find_all(std::string(40, 'a') + "b"), Error);  // bounded
}

}  // namespace
}  // namespace bantam::judge
