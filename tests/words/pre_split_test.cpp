// Pre-tokenizers against their own expressions run by PCRE2, on text that is hard to split.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/effort.h"
#include "support/hard_text.h"

namespace bantam {
namespace {

using namespace test;

TEST(PreTokenizer, EveryNamedOneSplitsAsItsExpressionsDo) {
  const auto characters = pools();
  constexpr std::uint64_t kTexts = 2500;
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < kTexts; ++i) texts.push_back(random_text(characters, i));
  for (const std::size_t n : {2u, 3u, 7u, 31u, 511u, 512u, 513u, 1023u, 1540u})
    for (const char* const after : {"", "x", "1", "\n", " \n\t"})
      texts.push_back(std::string(n, ' ') + after + "\t\t.");
  for (const std::string_view name : different_names()) {
    const auto pre = pre_tokenizer_by_name(name);
    const Reference reference(pre->stages());
    int failures = 0;
    for (const std::string& text : texts) {
      const Pieces found = split(*pre, text), expected = reference.split(text);
      if (found != expected && ++failures <= 3)
        ADD_FAILURE() << name << "\nsplit    " << shown(found) << "\nexpected " << shown(expected);
    }
    EXPECT_EQ(failures, 0) << name;
  }
}

// All strings of up to five of the characters between which expressions look for borders.
TEST(PreTokenizer, ShortTextsOfBorderCharactersAreExhausted) {
  const std::vector<std::string> alphabet = {"a",  "B",        "1",  " ", "\n",           ".",
                                             "'s", "\xCC\x81", "\t", "/", "\xE4\xB8\xAD", "\x01"};
  std::vector<std::string> texts = {""};
  for (std::size_t begin = 0, round = 0; round < 4; ++round) {
    const std::size_t end = texts.size();
    for (; begin < end; ++begin)
      for (const std::string& each : alphabet) texts.push_back(texts[begin] + each);
  }
  for (const std::string_view name : {"gpt-2", "smollm", "llama-bpe", "qwen35", "gpt-4o", "tekken",
                                      "deepseek-v3", "deepseek-llm", "falcon"}) {
    const auto pre = pre_tokenizer_by_name(name);
    const Reference reference(pre->stages());
    int failures = 0;
    for (std::size_t i = 1; i < texts.size(); ++i) {
      const Pieces found = split(*pre, texts[i]), expected = reference.split(texts[i]);
      if (found != expected && ++failures <= 3)
        ADD_FAILURE() << name << "\nsplit    " << shown(found) << "\nexpected " << shown(expected);
    }
  }
}

TEST(PreTokenizer, PiecesOfAnyBytesAreTheWholeTextAndBreakWhereTheRepairedTextDoes) {
  const auto characters = pools();
  for (const std::string_view name : different_names()) {
    const auto pre = pre_tokenizer_by_name(name);
    for (std::uint64_t i = 0; i < 150; ++i) {
      std::string text = random_text(characters, 100000 + i);
      const Random random(3, i);
      for (std::uint64_t n = 0; n < 4; ++n) {
        const std::size_t at = random.below(2 * n, text.size());
        const auto byte = static_cast<char>(random.below(2 * n + 1, 256));
        if (n % 2 == 0) {
          text[at] = byte;
        } else {
          text.insert(at, 1, byte);
        }
      }
      std::string joined;
      Pieces repaired;
      for (const std::string& piece : split(*pre, text)) {
        ASSERT_FALSE(piece.empty());
        joined += piece;
        repaired.push_back(repair_utf8(piece));
      }
      ASSERT_EQ(joined, text);
      // Falcon's stages cut the bytes of U+FFFD.
      if (name != "falcon") {
        ASSERT_EQ(repaired, split(*pre, repair_utf8(text))) << name;
      }
    }
  }
}

TEST(PreTokenizer, BatchesOfALongTextAreItsPieces) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += " word" + std::to_string(i);
  const auto pre = pre_tokenizer_by_name("qwen2");
  std::string joined;
  std::size_t largest = 0;
  pre->split(text, [&](std::span<const std::string_view> pieces) {
    largest = std::max(largest, pieces.size());
    for (const std::string_view piece : pieces) joined += piece;
  });
  EXPECT_EQ(joined, text);
  EXPECT_LE(largest, 256u);
}

TEST(PreTokenizer, TimeIsLinearInHostileText) {
  const std::string units[] = {"a",
                               "A",
                               " ",
                               "\n",
                               " \n",
                               "1",
                               "'",
                               "\xF0\x9F\x98\x80",
                               "\xCC\x81",
                               "aA",
                               "Aa",
                               "a ",
                               "\xE4\xB8\xAD",
                               "\xE4\xB8\xAD"
                               "A",
                               "\x01",
                               "\xFF",
                               " \t",
                               "\r",
                               "a1",
                               "\xE3\x80\x80"};
  constexpr std::size_t kBytes = 1 << 18;
  for (const std::string_view name : different_names()) {
    const auto pre = pre_tokenizer_by_name(name);
    for (const std::string& unit : units) {
      std::string text;
      while (text.size() < kBytes) text += unit;
      text += 'x';  // what is left unmatched till the end must not be tried again and again
      std::size_t bytes = 0;
      const double work = effort([&] {
        pre->split(text, [&](std::span<const std::string_view> pieces) {
          for (const std::string_view piece : pieces) bytes += piece.size();
        });
      });
      EXPECT_EQ(bytes, text.size());
      // A unit at most; quadratic time would be thousands.
      EXPECT_LT(work, 300) << name << " of " << unit;
    }
  }
}

// Spellings that are taken for others must split alike.
TEST(PreTokenizer, SpellingsSplitAlike) {
  const std::string spellings[] = {
      R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
      R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)",
      R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
      R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};
  const auto characters = pools();
  for (const std::string& spelling : spellings) {
    const std::vector<PreStage> stages = {PreStage{.pattern = spelling}};
    const auto pre = pre_tokenizer_from_stages(stages);
    EXPECT_FALSE(pre->gguf_name().empty());
    const Reference reference(stages);
    for (std::uint64_t i = 0; i < 1500; ++i) {
      const std::string text = random_text(characters, 200000 + i);
      ASSERT_EQ(shown(split(*pre, text)), shown(reference.split(text))) << spelling;
    }
  }
}

// Falcon's sequence, and one that is not known as a whole.
TEST(PreTokenizer, StagesAfterAByteLevelSeeTheSpellingOfBytes) {
  const PreStage signs{.kind = Kind::punctuation, .behavior = Behavior::contiguous};
  const PreStage gpt2{.kind = Kind::gpt2}, runs{.kind = Kind::digits},
      digit{.kind = Kind::digits, .individual = true};
  const std::vector<PreStage> sequences[] = {{signs, gpt2, runs, {.pattern = "[0-9][0-9][0-9]"}},
                                             {gpt2, digit},
                                             {gpt2, {.pattern = "\u0120"}}};
  const auto characters = pools();
  for (const auto& stages : sequences) {
    const auto pre = pre_tokenizer_from_stages(stages);
    const Reference reference(stages);
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const std::string text = random_text(characters, 300000 + i);
      ASSERT_EQ(split(*pre, text), reference.split(text));
    }
  }
  // The byte B2 of U+0432 is spelt by a superscript two.
  EXPECT_EQ(split(*pre_tokenizer_by_name("falcon"), "a \u0432"), (Pieces{"a", " \xD0", "\xB2"}));
}

}  // namespace
}  // namespace bantam
