#include "data/text_encoding.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace bantam::data {

namespace {

void put_rune(char32_t c, std::string& out) {
  const auto byte = [&](char32_t value) { out += static_cast<char>(value); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | c >> 6), byte(0x80 | (c & 63));
  } else if (c < 0x10000) {
    byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
  } else {
    byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)),
        byte(0x80 | (c & 63));
  }
}

// `start`: where the text lies in what it came from.
std::string from_utf16(std::string_view text, bool big, std::uint64_t start, std::vector<Utf16Damage>* damage) {
  std::string out;
  const auto bad = [&](std::size_t at, std::uint64_t bytes) {
    if (!damage) return put_rune(0xFFFD, out);
    damage->push_back({start + at, bytes});
    out += '\xff';
  };
  out.reserve(text.size());
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(text[i]), b = static_cast<unsigned char>(text[i + 1]);
    return static_cast<char32_t>(big ? a << 8 | b : b << 8 | a);
  };
  std::size_t i = 0;
  while (i + 1 < text.size()) {
    const char32_t c = unit(i);
    i += 2;
    if (c < 0xD800 || c > 0xDFFF) {
      put_rune(c, out);
      continue;
    }
    const char32_t low = c < 0xDC00 && i + 1 < text.size() ? unit(i) : 0;
    if (low >= 0xDC00 && low <= 0xDFFF) {
      put_rune(0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00), out);
      i += 2;
    } else {
      bad(i - 2, 2);
    }
  }
  if (i < text.size()) bad(i, 1);  // half a character
  return out;
}

// UTF-16 without a mark: of the first characters most are below U+0100, so that every other byte is
// zero and none of the rest.
TextEncoding guess(std::string_view text) {
  const std::size_t looked = std::min<std::size_t>(text.size(), 1024) / 2 * 2;
  std::size_t even = 0, odd = 0;
  for (std::size_t i = 0; i < looked; i += 2) {
    even += text[i] == '\0';
    odd += text[i + 1] == '\0';
  }
  if (looked < 8) return TextEncoding::utf8;
  if (even == 0 && odd * 4 > looked) return TextEncoding::utf16_little;
  if (odd == 0 && even * 4 > looked) return TextEncoding::utf16_big;
  return TextEncoding::utf8;
}

}  // namespace

TextEncoding to_utf8(std::string& text, std::vector<Utf16Damage>* damage) {
  using namespace std::string_view_literals;
  const std::string_view view(text);
  if (view.starts_with("\xff\xfe\0\0"sv) || view.starts_with("\0\0\xfe\xff"sv))
    throw Error("is UTF-32; convert it to UTF-8 first (iconv -f UTF-32 -t UTF-8)").at(0);
  if (view.starts_with("\xef\xbb\xbf"sv)) {
    text.erase(0, 3);
    return TextEncoding::utf8_with_mark;
  }
  const bool little = view.starts_with("\xff\xfe"sv), big = view.starts_with("\xfe\xff"sv);
  if (little || big) {
    text = from_utf16(view.substr(2), big, 2, damage);
    return little ? TextEncoding::utf16_little : TextEncoding::utf16_big;
  }
  const TextEncoding guessed = guess(view);
  if (guessed != TextEncoding::utf8) text = from_utf16(view, guessed == TextEncoding::utf16_big, 0, damage);
  return guessed;
}

}  // namespace bantam::data
