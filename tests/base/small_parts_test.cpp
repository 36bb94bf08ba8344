// The small parts: hints, sums, random numbers, texts for people, messages.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "base/progress.h"
#include "base/random.h"

namespace bantam {
namespace {

TEST(Nearest, IsWhatWasMeant) {
  const std::string known[] = {"generate", "train", "tokenize", "detokenize", "--temp", "--top-k"};
  struct Case {
    const char *word, *meant;
  };
  for (const Case& c : {Case{"genrate", "generate"}, Case{"gen", "generate"},
                        Case{"trian", "train"}, Case{"tokenise", "tokenize"},
                        Case{"--tmep", "--temp"}, Case{"--temporary", "--temp"}, Case{"generators", "generate"},
                        Case{"xyzzy", ""}, Case{"", ""}, Case{"t", ""}})
    EXPECT_EQ(nearest(c.word, known), c.meant) << c.word;
  EXPECT_EQ(nearest(std::string(10'000'000, 'a'), known), "");
}

// FIPS 180-4's own examples.
TEST(Sha256, IsThatOfTheStandard) {
  const auto hex = [](std::string_view text) {
    Sha256 sum;
    sum.add(std::as_bytes(std::span(text)));
    return sum.hex();
  };
  EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Random, IsEvenAndHasNoState) {
  const Random random(1, 2);
  int counts[10] = {};
  double sum = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    ++counts[random.below(i, 10)];
    sum += random.uniform(i);
  }
  // Five standard deviations: 5 sqrt(1e5 * 0.09) = 474, 5 sqrt(1e5 / 12) = 456.
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 474);
  EXPECT_NEAR(sum, 50'000, 456);
  EXPECT_EQ(random.bits(77), Random(1, 2).bits(77));
  EXPECT_NE(random.bits(77), Random(1, 3).bits(77));
  EXPECT_NE(random.bits(77), Random(2, 2).bits(77));
}

TEST(Texts, AreForPeople) {
  EXPECT_EQ(duration_text(42), "42 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
  EXPECT_EQ(count_text(1'100'000), "1.1 M");
  EXPECT_EQ(count_text(24'300), "24.3 k");
  EXPECT_EQ(byte_text(4'200'000), "4.2 MB");
}

TEST(Errors, SayWhereAndKeepTheInnermostPlace) {
  const Error error =
      Error("a version was expected").field("version").at(4).in("a.gguf").in("b.gguf");
  EXPECT_STREQ(error.what(), "a.gguf: version at offset 4: a version was expected");
  EXPECT_EQ(error.kind(), Error::Kind::failed);
}

// What comes out of a hostile file must not steer a terminal.
TEST(Printable, ShowsNoControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31mb\n\x7f"), "a\\x1b[31mb\\x0a\\x7f");
  EXPECT_EQ(printable("\xe6\x88\x91"), "\xe6\x88\x91");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J")
                .find('\x9b'),
            std::string::npos);  // CSI in one character
  EXPECT_LE(printable(std::string(1000, 'x'), 80).size(), 84u);
}

}  // namespace
}  // namespace bantam
