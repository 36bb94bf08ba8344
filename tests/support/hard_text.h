// Text that is hard to split, and a pre-tokenizer that is nothing but its expressions on PCRE2.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "base/random.h"
#include "words/pre_tokenizer.h"
#include "words/regex.h"
#include "words/unicode.h"

namespace bantam::test {

using Kind = PreStage::Kind;
using Behavior = PreStage::Behavior;
using Pieces = std::vector<std::string>;

inline Pieces split(const PreTokenizer& pre, std::string_view text) {
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

inline std::vector<std::u32string> pools() {
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
inline std::string random_text(const std::vector<std::u32string>& pools, std::uint64_t index) {
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

inline std::string shown(const Pieces& pieces) {
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
inline std::vector<std::string_view> different_names() {
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

}  // namespace bantam::test
