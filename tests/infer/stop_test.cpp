// Stop strings against a search in the whole text.
#include "infer/stop.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace bantam {
namespace {

// What should be shown: the text before the stop string that is complete first, of those that end
// at the same byte before the longest.
std::string expected_text(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& s : stops)
      if (!s.empty() && s.size() <= end && text.compare(end - s.size(), s.size(), s) == 0)
        longest = std::max(longest, s.size());
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

TEST(StopStrings, AreFoundWhereverPiecesEnd) {
  struct Case {
    std::string text;
    std::vector<std::string> stops;
  };
  const std::vector<Case> cases = {
      {"Hello\nUser: hi", {"\nUser:"}},
      {"aaab", {"aab"}},
      {"abcabcabd", {"abcabd"}},
      {"xyz", {"a"}},
      {"abc", {"abc"}},
      {"abc", {"bc", "abc"}},
      {"abc", {"abcd"}},
      {"no stop", {""}},
      {"one two", {"two", "one"}},
      {"a b", {" "}},
      {"mississippi", {"issip"}},
      {"\xe4\xbd\xa0\xe5\xa5\xbd", {"\xe5\xa5\xbd"}},
  };
  for (const Case& c : cases) {
    const std::string expected = expected_text(c.text, c.stops);
    for (std::size_t size = 1; size <= c.text.size(); ++size) {
      StopStrings stops(c.stops);
      std::string shown;
      for (std::size_t at = 0; at < c.text.size(); at += size) {
        shown += stops.feed(std::string_view(c.text).substr(at, size));
        // Nothing that is shown is taken back.
        ASSERT_TRUE(expected.starts_with(shown)) << c.text;
      }
      shown += stops.finish();
      EXPECT_EQ(shown, expected) << c.text << " in pieces of " << size;
      EXPECT_EQ(stops.met().empty(), expected == c.text);
    }
  }
}

TEST(StopStrings, AgreeWithASearchOnRandomTexts) {
  const Random random(3, 0);
  std::uint64_t index = 0;
  const auto word = [&](std::uint64_t longest) {
    std::string s;
    for (std::uint64_t i = random.below(index++, longest) + 1; i > 0; --i)
      s += static_cast<char>('a' + random.below(index++, 2));
    return s;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::string text = word(30);
    const std::vector<std::string> strings = {word(5), word(5), word(8)};
    StopStrings stops(strings);
    std::string shown;
    for (std::size_t at = 0; at < text.size(); at += 3)
      shown += stops.feed(std::string_view(text).substr(at, 3));
    shown += stops.finish();
    ASSERT_EQ(shown, expected_text(text, strings)) << text;
  }
}

}  // namespace
}  // namespace bantam
