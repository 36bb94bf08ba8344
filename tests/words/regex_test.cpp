// The dialect of tokenizer.json. Expected matches follow Oniguruma's documents (doc/RE,
// doc/SYNTAX.md) and were compared with the Hugging Face tokenizers library.
#include "words/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace bantam {
namespace {

std::vector<std::string> matches(const std::string& pattern, std::string_view text) {
  std::vector<std::string> out;
  Regex(pattern).find_all(
      text, [&](Regex::Match m) { out.emplace_back(text.substr(m.begin, m.end - m.begin)); });
  return out;
}

struct Case {
  std::string pattern, text;
  std::vector<std::string> expected;
};

TEST(Regex, ConstructsMeanWhatTheyMeanInOniguruma) {
  const Case cases[] = {
      // \s is White_Space: U+180E is not in it.
      {R"(\s+)", "a \xE1\xA0\x8E\xC2\x85\t b", {" ", "\xC2\x85\t "}},
      {R"([^\s\p{L}]+)", "a \xE1\xA0\x8E.b", {"\xE1\xA0\x8E."}},
      {R"([\S]+)", "ab \xE1\xA0\x8E", {"ab", "\xE1\xA0\x8E"}},
      {R"([a\S]+)", "ab c", {"ab", "c"}},
      {R"([^a\S]+)", "ab \t", {" \t"}},
      // A word has marks and connectors, digits of any script, no other numbers.
      {R"(\w+)", "a\xCC\x81_\xE0\xA5\xA7 \xE2\x85\x90", {"a\xCC\x81_\xE0\xA5\xA7"}},
      // Some numbers of Latin-1 are words, but not within a class.
      {R"(\w+)", "a\xC2\xB2-\xC2\xBD", {"a\xC2\xB2", "\xC2\xBD"}},
      {R"([\w]+)", "a\xC2\xB2-", {"a"}},
      {R"([[:punct:]]+)", "a+.\xC2\xA9", {"+.\xC2\xA9"}},
      {R"(\d+\b)", "12 34a 5", {"12", "5"}},
      {R"(\h+)", "xyzAF09g", {"AF09"}},
      {R"(\v)", "\n\x0B", {"\x0B"}},
      // Nested and intersected classes.
      {R"([^(\s|[.,!?])]+)", "ab|c.d)e", {"ab", "c", "d", "e"}},
      {R"([a-z&&[^aeiou]]+)", "stone", {"st", "n"}},
      {R"([[a-c][x-z]]+)", "abxyq", {"abxy"}},
      {R"([[^a-y]z]+)", "azAz", {"zAz"}},
      {R"([\p{L}&&[^\p{Han}]]+)",
       "ab\xE4\xB8\xAD"
       "cd",
       {"ab", "cd"}},
      {R"([a\-z]+)", "-az", {"-az"}},
      {R"([\w-]+)", "a-b", {"a-b"}},
      {R"([\]\\]+)", "]\\", {"]\\"}},
      {R"([[:alpha:]]+)", "ab1", {"ab"}},
      {R"([[:^digit:]]+)", "ab1", {"ab"}},
      // Intervals are not possessive, {n}? is optional, {,m} counts from 0.
      {R"(a{1,2}+a)", "aaa", {"aaa"}},
      {R"(ba{2}?)", "baab", {"baa", "b"}},
      {R"(xa{,2}y)", "xyxaay", {"xy", "xaay"}},
      {R"(a{1,3}?)", "aa", {"a", "a"}},
      {R"(a{x)", "a{x", {"a{x"}},
      {R"((?:a+)+?b)", "aab", {"aab"}},
      {R"(a**)", "aa", {"aa"}},
      {R"([^a]?+b)", "bb", {"bb"}},
      // ^ and $ are at lines; (?m: lets the dot cross them.
      {R"(\s+$)", "a \nb ", {" ", " "}},
      {R"(^b)", "a\nb", {"b"}},
      {R"(a.)", "a\na\r", {"a\r"}},
      {R"((?m:a.))", "a\nb", {"a\n"}},
      {R"(a\z)", "aa", {"a"}},
      // Letter case, the long s included.
      {R"((?i:'s|'ll))", "'S'\xC5\xBF'Ll", {"'S", "'\xC5\xBF", "'Ll"}},
      {R"((?i)K)", "k\xE2\x84\xAA", {"k", "\xE2\x84\xAA"}},
      // Look-around, and empty matches as find_iter reports them.
      {R"(\s+(?!\S))", "a   b  ", {"  ", "  "}},
      {R"((?<=a)b)", "abb", {"b"}},
      {R"((?=(\d{3})+(?!\d)))", "1234", {""}},
      {R"(a*)", "baac", {"", "aa", ""}},
      {R"(\u4E2D\x{4e2d}\x41)",
       "\xE4\xB8\xAD\xE4\xB8\xAD"
       "A",
       {"\xE4\xB8\xAD\xE4\xB8\xAD"
        "A"}},
      {R"(\p{^L}+|\P{^Lu})", "ab1C", {"1", "C"}},
      {" #(?#note)x", "a #x", {" #x"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.pattern);
    try {
      EXPECT_EQ(matches(c.pattern, c.text), c.expected);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(Regex, ABrokenOrUnknownPatternIsAnErrorThatShowsItAndThePlace) {
  struct Broken {
    std::string pattern;
    std::size_t offset;
  };
  const Broken cases[] = {
      {"ab(cd", 2},       {"ab)cd", 2},
      {"[abc", 0},        {"a[]", 1},
      {"*a", 0},          {"a|+b", 2},
      {"x\\", 1},         {"x\\pL", 1},
      {"x\\p{L", 1},      {"ab\\p{Klin}", 2},
      {"[z-a]", 1},       {"(?<n>a)", 0},
      {"(a)\\1", 3},      {"a(?i)b", 1},
      {"\\xE4", 0},       {"\\K", 0},
      {"[a&&]", 0},       {"[&&a]", 1},
      {"[[:graph:]]", 1}, {"(?x: a )", 0},
      {"\\x{110000}", 0}, {"\xFF", 0},
      {"(?<=b+)c", 0},    {"a{99999999}", 0},
      {"[a-\\d]", 1},     {std::string(1000, '('), 101},
  };
  for (const Broken& c : cases) {
    SCOPED_TRACE(c.pattern);
    try {
      Regex regex(c.pattern);
      ADD_FAILURE() << "compiled";
    } catch (const Error& error) {
      EXPECT_EQ(error.offset().value_or(9999), c.offset) << error.what();
      EXPECT_NE(error.message().find("in the pattern "), std::string::npos);
    }
  }
  EXPECT_THROW(Regex(std::string(1 << 20, 'a')), Error);
}

TEST(Regex, BacktrackingWithoutEndIsAnError) {
  const std::string text(5000, 'a');
  try {
    matches("(?:a+)+[bc]", text);
    ADD_FAILURE() << "matched";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("given up"), std::string::npos) << error.what();
  }
}

TEST(Regex, DeepRecursionDoesNotExhaustTheStack) {
  const std::string text(1 << 20, 'a');
  const auto found = matches("(?:a|b|[a-c&&[^x]])*", text);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].size(), text.size());
}

}  // namespace
}  // namespace bantam
