// Pre-tokenizers against their own expressions run by PCRE2, on text that is hard to split.
#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "text/regex.h"
#include "text/unicode.h"

namespace bantam {
namespace {

using Kind = PreStage::Kind;
using Behavior = PreStage::Behavior;
using Pieces = std::vector<std::string>;

Pieces split(const PreTokenizer& pre, std::string_view text) {
  std::vector<std::string_view> pieces;
  pre.split(text, pieces);
  return {pieces.begin(), pieces.end()};
}

// ---- The reference: each stage as an expression, applied to every piece, matches isolated.

class Reference {
 public:
  explicit Reference(const std::vector<PreStage>& stages) {
    for (const PreStage& stage : stages) {
      EXPECT_FALSE(stage.literal || stage.invert);
      if (stage.kind == Kind::gpt2) byte_level_ = expressions_.size();
      expressions_.emplace_back(expression(stage));
    }
  }
  Pieces split(const std::string& text) const {
    Pieces pieces = {text};
    for (std::size_t i = 0; i < expressions_.size(); ++i) {
      Pieces next;
      for (const std::string& piece : pieces) {
        std::size_t open = 0;
        const auto add = [&](std::size_t begin, std::size_t end) {
          if (begin != end) next.push_back(piece.substr(begin, end - begin));
        };
        expressions_[i].find_all(piece, [&](Regex::Match m) {
          add(open, m.begin);
          add(m.begin, m.end);
          open = m.end;
        });
        add(open, piece.size());
      }
      pieces = next;
      if (i == byte_level_)
        for (std::string& piece : pieces) piece = spelled(piece);
    }
    if (byte_level_ < expressions_.size()) {
      std::size_t at = 0;
      for (std::string& piece : pieces) {
        const std::size_t bytes = static_cast<std::size_t>(
            std::count_if(piece.begin(), piece.end(), [](char c) { return (c & 0xC0) != 0x80; }));
        piece = text.substr(at, bytes);
        at += bytes;
      }
    }
    return pieces;
  }

 private:
  static std::string expression(const PreStage& stage) {
    switch (stage.kind) {
      case Kind::gpt2:
        return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
      case Kind::digits:
        return stage.individual ? R"(\p{N})" : R"(\p{N}+)";
      case Kind::punctuation:
        return stage.behavior == Behavior::contiguous ? R"([!-/:-@\[-`{-~\p{P}]+)"
                                                      : R"([!-/:-@\[-`{-~\p{P}])";
      case Kind::split:
        break;
    }
    return stage.pattern;
  }
  // openai/gpt-2, src/encoder.py, bytes_to_unicode.
  static std::string spelled(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      char32_t value = byte;
      if (byte <= 0x20) value = 0x100u + byte;
      if (byte >= 0x7F && byte <= 0xA0) value = 0x100u + 33 + (byte - 0x7Fu);
      if (byte == 0xAD) value = 0x143;
      append_utf8(out, value);
    }
    return out;
  }

  std::vector<Regex> expressions_;
  std::size_t byte_level_ = SIZE_MAX;  // the stage after which bytes are spelt
};

// ---- Text: characters drawn from pools, in runs as well as mixed.

std::vector<std::u32string> pools() {
  std::vector<std::u32string> all = {
      U"abcdefghijklmnopqrstuvwxyz",
      U"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
      U"stmdrevlSTMDREVL\u017F\u212A\u00DF\uFB06\uFB05",
      U"0123456789",
      U"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
      U"'\u2019",
      U"     ",
      U"\n\r",
      U" \t\n\r\v\f\u0085\u00A0\u1680\u2000\u2003\u2028\u2029\u202F\u205F\u3000",
      U"\u180E\u200B\u200C\u200D\uFEFF\u2060\u0001\u001C\u007F\u0600\u00AD",
      U"\u00BD\u00B2\u2163\u3007\u2460\u09F4\u0BF0\u3021",
      U"\u0660\u0669\u06F5\u0967\u09EA\u0E53\uFF11\U0001D7D8\U00011066",
      U"\u0301\u0308\u20DD\u0903\u093F\u0E31\u3099\uFE0F\u0488\U000E0100",
      U"\u24B6\u24E9\U0001F130\U0001F170\u203F\uFE4F\u2102\u2107",
      U"\U0001F600\U0001F468\u200D\U0001F469\u200D\U0001F467\U0001F1F9\U0001F1FC\u2764\uFE0F"
      U"\U0001F44D\U0001F3FD",
      U"\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C|.,!?()",
      U"\uFF01\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\u3003\u303F\uFE30\uFF5E\uFF0F",
      U"\u01C5\u1F88\u02B0\u02BC\u0640\u3005\u30FC\uAA70",
      U"\U00010400\U00010428\U0001D400\U0001E900\U00020000\U0002FA1D\U0010FFFF\uE000",
  };
  // Scripts by the first and last of some of their letters: Latin, Greek, Cyrillic, Armenian,
  // Hebrew, Arabic, Devanagari, Bengali, Tamil, Thai, Lao, Tibetan, Myanmar, Georgian, Hangul jamo,
  // Ethiopic, Cherokee, Khmer, Mongolian, Hiragana, Katakana, Bopomofo, compatibility jamo, Han,
  // Yi, Hangul, compatibility forms, full width, Gothic.
  const std::pair<char32_t, char32_t> scripts[] = {
      {0xC0, 0x24F},    {0x370, 0x3FF},   {0x400, 0x52F},   {0x531, 0x586},    {0x5D0, 0x5EA},
      {0x620, 0x64A},   {0x904, 0x94D},   {0x985, 0x9CD},   {0xB85, 0xBCD},    {0xE01, 0xE4E},
      {0xE81, 0xECD},   {0xF40, 0xF84},   {0x1000, 0x109F}, {0x10A0, 0x10FF},  {0x1100, 0x11FF},
      {0x1200, 0x137C}, {0x13A0, 0x13FD}, {0x1780, 0x17DD}, {0x1820, 0x1878},  {0x3041, 0x309F},
      {0x30A0, 0x30FF}, {0x3105, 0x312F}, {0x3131, 0x318E}, {0x4E00, 0x9FA5},  {0xA000, 0xA48C},
      {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFF10, 0xFF9F}, {0x10330, 0x1034A}};
  for (const auto& [first, last] : scripts) {
    std::u32string pool;
    for (char32_t c = first; c <= last; c += 1 + (last - first) / 97) pool += c;
    all.push_back(pool);
  }
  std::u32string anything;
  const Random random(1, 2);
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const auto plane = random.below(i, 10) < 7 ? 0x3100u : 0x20000u;
    const auto c = static_cast<char32_t>(random.below(i + 10000, plane));
    if (c < 0xD800 || c >= 0xE000) anything += c;
  }
  all.push_back(anything);
  // Unicode 14 (PCRE2 10.42) and 15 (utf8proc 2.8) must agree on a character to be compared.
  const Regex unassigned(R"(\p{Cn})");
  for (std::u32string& pool : all)
    std::erase_if(pool, [&](char32_t c) {
      std::string text;
      append_utf8(text, c);
      bool unknown = false;
      unassigned.find_all(text, [&](Regex::Match) { unknown = true; });
      return unknown && CharClasses::get()[c] != char_class::other;
    });
  return all;
}

// A text of `index`; the same for the same seed.
std::string random_text(const std::vector<std::u32string>& pools, std::uint64_t index) {
  const Random random(7, index);
  std::uint64_t i = 0;
  static const std::string kSnippets[] = {"'s",
                                          "'S",
                                          "'ll",
                                          "'Ll",
                                          "'re",
                                          "'VE",
                                          "'d",
                                          "'M",
                                          "'\xC5\xBF",
                                          "'t",
                                          "don't",
                                          " I'm",
                                          "  \n",
                                          "\r\n\n",
                                          "   x",
                                          "12345",
                                          "1234567890",
                                          "HTTPServer",
                                          "camelCase",
                                          "//",
                                          " /\n",
                                          "x=1;",
                                          "\xE2\x80\x99s",
                                          "<sentinel:12>",
                                          "IMGIMGABZ",
                                          "    ",
                                          "\xE4\xB8\xAD\xE6\x96\x87",
                                          "e\xCC\x81",
                                          " \xCC\x81"
                                          "a",
                                          "\xCC\x81"
                                          "AB",
                                          "\xE4\xB8\xAD"
                                          "AB",
                                          "A\xE4\xB8\xAD"
                                          "B",
                                          "12_",
                                          "12-",
                                          "\t1"};
  std::string text;
  const std::uint64_t runs = 1 + random.below(i++, 14);
  // Some texts keep to three pools, so that their borders are met in every order.
  const std::uint64_t narrow = random.below(i++, 3);
  const std::uint64_t base = random.below(i++, pools.size());
  for (std::uint64_t r = 0; r < runs; ++r) {
    if (random.below(i++, 6) == 0) {
      text += kSnippets[random.below(i++, std::size(kSnippets))];
      continue;
    }
    const std::u32string& pool =
        pools[narrow != 0 ? (base + random.below(i++, 3) * 5) % pools.size()
                          : random.below(i++, pools.size())];
    const std::uint64_t longest = random.below(i++, 4) == 0 ? 12 : 3;
    const std::uint64_t length = 1 + random.below(i++, longest);
    for (std::uint64_t n = 0; n < length; ++n)
      append_utf8(text, pool[random.below(i++, pool.size())]);
  }
  return text;
}

std::string shown(const Pieces& pieces) {
  std::string out;
  for (const std::string& piece : pieces) {
    out += '[';
    for (std::size_t at = 0; at < piece.size();) {
      const Rune rune = decode_rune(piece, at);
      at += rune.size;
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, at == rune.size ? "%X" : " %X",
                    static_cast<unsigned>(rune.value));
      out += buffer;
    }
    out += ']';
  }
  return out;
}

// The names with different stages: one of each.
std::vector<std::string_view> different_names() {
  std::vector<std::string_view> names;
  std::vector<std::vector<PreStage>> seen;
  for (const std::string_view name : pre_tokenizer_names()) {
    const auto pre = pre_tokenizer_by_name(name);
    if (std::find(seen.begin(), seen.end(), pre->stages()) != seen.end()) continue;
    seen.push_back(pre->stages());
    names.push_back(name);
  }
  return names;
}

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

TEST(PreTokenizer, ExamplesByHand) {
  struct Case {
    std::string name, text;
    Pieces expected;
  };
  const Case cases[] = {
      {"gpt-2", "I'm 12  years,\n\n old", {"I", "'m", " 12", " ", " years", ",", "\n\n", " old"}},
      {"qwen2", "I'M 12\tyears,\n\n x", {"I", "'M", " ", "1", "2", "\tyears", ",\n\n", " x"}},
      {"llama-bpe", "12345 \n  y", {"123", "45", " \n", " ", " y"}},
      {"gpt-4o", "HTTPServer's XMLfile/\n", {"HTTPServer's", " XMLfile", "/\n"}},
      {"tekken", "fooBar's", {"foo", "Bar", "'s"}},
      {"smollm", "in 1999.", {"in", " ", "1", "9", "9", "9", "."}},
      {"deepseek-v3",
       ".com 123456 \xE4\xB8\xAD\xE6\x96\x87x",
       {".com", " ", "123", "456", " ", "\xE4\xB8\xAD\xE6\x96\x87", "x"}},
      {"falcon", "a.b 12345", {"a", ".", "b", " ", "123", "45"}},
      {"bloom", "hello, big world", {"hello", ",", " big", " world"}},
      {"tiny_aya", "1234567 123a", {"1", "234", "567", " ", "123", "a"}},
      {"superbpe", "ab 1234567", {"ab ", "1", "234", "567"}},
      {"gemma4", "a b\n\nc", {"a b", "\n\n", "c"}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(split(*pre_tokenizer_by_name(c.name), c.text), c.expected) << c.name;
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
      const auto start = std::chrono::steady_clock::now();
      std::size_t bytes = 0;
      pre->split(text, [&](std::span<const std::string_view> pieces) {
        for (const std::string_view piece : pieces) bytes += piece.size();
      });
      EXPECT_EQ(bytes, text.size());
      // Of some milliseconds; quadratic time would be a minute.
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10))
          << name << " of " << unit;
    }
  }
}

// ---- Names, and stages of tokenizer.json

TEST(PreTokenizer, AnUnknownNameIsAnErrorThatListsTheKnown) {
  try {
    pre_tokenizer_by_name("gpt-17");
    FAIL();
  } catch (const Error& error) {
    for (const std::string_view name : pre_tokenizer_names())
      EXPECT_NE(error.message().find(name), std::string::npos);
    EXPECT_EQ(error.field(), "tokenizer.ggml.pre");
  }
}

TEST(PreTokenizer, NamesAreKnownOnceAndKeptWhenAskedFor) {
  const auto names = pre_tokenizer_names();
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  for (const std::string_view name : names)
    EXPECT_EQ(pre_tokenizer_by_name(name)->gguf_name(), name);
}

TEST(PreTokenizer, SpellingsOfTokenizerJsonAreRecognised) {
  const PreStage gpt2{.kind = Kind::gpt2}, digit{.kind = Kind::digits, .individual = true};
  const auto split_by = [](std::string pattern) { return PreStage{.pattern = std::move(pattern)}; };
  struct Case {
    std::vector<PreStage> stages;
    bool ignore_merges;
    std::string_view name;
  };
  const std::string llama3 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const std::string cl100k =
      R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
  const Case cases[] = {
      {{gpt2}, false, "gpt-2"},
      {{split_by(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)")},
       false,
       "gpt-2"},
      {{digit, gpt2}, false, "smollm"},
      {{split_by(R"(\p{N})"), gpt2}, false, "smollm"},
      {{split_by(llama3)}, true, "llama-bpe"},
      {{split_by(llama3)}, false, "smaug-bpe"},
      {{split_by(cl100k)}, false, "smaug-bpe"},
      {{{.pattern = llama3, .behavior = Behavior::removed, .invert = true}}, true, "llama-bpe"},
      {{split_by("[\r\n]"), split_by(R"(\s?\p{L}+)"), split_by(R"(\s?\p{P}+)"),
        split_by("[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"), digit},
       false,
       "deepseek-coder"},
      {{split_by(" ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+")}, false, "bloom"},
      {{split_by(R"(\p{L}+)")}, false, ""},
      {{gpt2}, true, ""},
      {{}, false, ""},
      {{{.pattern = llama3, .behavior = Behavior::removed}}, true, ""},
      {{{.pattern = llama3, .literal = true}}, true, ""},
  };
  for (const Case& c : cases) EXPECT_EQ(pre_tokenizer_name_for(c.stages, c.ignore_merges), c.name);
  EXPECT_EQ(pre_tokenizer_from_regex(cl100k)->gguf_name(), "smaug-bpe");
}

// A name that is written for stages is read back as the same stages.
TEST(PreTokenizer, ANameLeadsToItsStagesAndBack) {
  for (const std::string_view name : pre_tokenizer_names()) {
    const PreTraits traits = pre_tokenizer_traits(name);
    if (!traits.byte_level) continue;
    const auto pre = pre_tokenizer_by_name(name);
    const std::string_view written = pre_tokenizer_name_for(pre->stages(), traits.ignore_merges);
    EXPECT_EQ(pre_tokenizer_by_name(written)->stages(), pre->stages()) << name;
    EXPECT_EQ(pre_tokenizer_traits(written).ignore_merges, traits.ignore_merges) << name;
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

// Expected values: the documentation of pre_tokenizers.Split in huggingface/tokenizers.
TEST(PreTokenizer, BehavioursOfASplit) {
  struct Case {
    Behavior behavior;
    bool invert, literal;
    Pieces expected;
  };
  const Case cases[] = {
      {Behavior::isolated, false, true, {"the", "-", "final", "-", "-", "countdown"}},
      {Behavior::removed, false, true, {"the", "final", "countdown"}},
      {Behavior::merged_with_previous, false, true, {"the-", "final-", "-", "countdown"}},
      {Behavior::merged_with_next, false, true, {"the", "-final", "-", "-countdown"}},
      {Behavior::contiguous, false, true, {"the", "-", "final", "--", "countdown"}},
      {Behavior::removed, true, true, {"-", "-", "-"}},
      {Behavior::isolated, false, false, {"the", "-", "final", "-", "-", "countdown"}},
      {Behavior::removed, true, false, {"-", "-", "-"}},
  };
  for (const Case& c : cases) {
    const PreStage stage{
        .pattern = "-", .literal = c.literal, .behavior = c.behavior, .invert = c.invert};
    EXPECT_EQ(split(*pre_tokenizer_from_stages({stage}), "the-final--countdown"), c.expected);
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

TEST(PreTokenizer, NoStagesLeaveTheTextWhole) {
  EXPECT_EQ(split(*pre_tokenizer_from_stages({}), "a b\xFF"), Pieces{"a b\xFF"});
  EXPECT_EQ(split(*pre_tokenizer_by_name("gpt-2"), ""), Pieces{});
}

TEST(PreTokenizer, APatternThatDoesNotCompileIsAnErrorThatShowsIt) {
  try {
    pre_tokenizer_from_regex(R"(\p{L}+|(abc)");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("(abc"), std::string::npos);
    EXPECT_EQ(error.offset(), 7u);
  }
}

}  // namespace
}  // namespace bantam
