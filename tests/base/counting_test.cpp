// One thing is no plural.
#include "base/counting.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

TEST(Counting, OneIsSingular) {
  EXPECT_EQ(number_of(0, "prompt"), "0 prompts");
  EXPECT_EQ(number_of(1, "prompt"), "1 prompt");
  EXPECT_EQ(number_of(std::size_t{2}, "prompt"), "2 prompts");
  EXPECT_EQ(number_of(std::uint8_t{1}, "more such file"), "1 more such file");
}

}  // namespace
}  // namespace bantam
