// Scanners: the inner loops of the hand-written pre-tokenizers. A scanner is a function object
// scan(begin, end, emit) that calls emit(begin, end) for consecutive pieces which cover the text it
// is given. The text is well-formed UTF-8, so the
// bounds of pieces are always bounds of characters. The alternatives of an expression are tried in
// its order, as a backtracking engine does; what a class makes impossible is left out, and each run
// of characters is read a bounded number of times, so that all of this is linear.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "base/rooms.h"
#include "words/unicode.h"

namespace bantam::words::pre {

// The character at p, of text that is known to be well-formed.
inline Rune read(const char* p) {
  const auto byte = [p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

// The character that ends at p.
inline const char* previous(const char* p) {
  do --p;
  while ((static_cast<unsigned char>(*p) & 0xC0) == 0x80);
  return p;
}

// ---- Eight bytes at once: most pieces are shorter, so that a loop over bytes would cost a branch
// that is predicted wrong for each.

inline std::uint64_t load_eight(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, 8);
  return std::endian::native == std::endian::big ? __builtin_bswap64(word) : word;
}
inline constexpr std::uint64_t kOnes = 0x0101010101010101u, kHighs = kOnes << 7;

// The high bits of those of eight bytes that lie in [low, high], both below 0x80, after `fold` is
// set.
constexpr std::uint64_t bytes_between(std::uint64_t word, unsigned char low, unsigned char high,
                                      unsigned char fold = 0) {
  const std::uint64_t x = (word | kOnes * fold) & ~kHighs;
  return (x + kOnes * (0x80u - low)) & ~(x + kOnes * (0x7Fu - high)) & ~word & kHighs;
}

// The end of the run of bytes at p in [low, high].
template <unsigned char kLow, unsigned char kHigh, unsigned char kFold = 0>
const char* skip_bytes(const char* p, const char* end) {
  for (; end - p >= 8; p += 8) {
    const std::uint64_t others = bytes_between(load_eight(p), kLow, kHigh, kFold) ^ kHighs;
    if (others != 0) return p + (std::countr_zero(others) >> 3);
  }
  const auto inside = [](char c) {
    const auto folded = static_cast<unsigned char>(c | kFold);
    return folded >= kLow && folded <= kHigh;
  };
  while (p != end && inside(*p)) ++p;
  return p;
}
inline const char* skip_ascii_letters(const char* p, const char* end) {
  return skip_bytes<'a', 'z', 0x20>(p, end);
}
inline const char* skip_ascii_lower(const char* p, const char* end) {
  return skip_bytes<'a', 'z'>(p, end);
}
inline bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

struct Classified {
  char32_t value;
  unsigned size;
  std::uint16_t bits;  // char_class
};

// Looks characters up by their class: by CharClasses, or by a table made for a scanner.
class Reader {
 public:
  Reader() = default;
  explicit Reader(std::shared_ptr<const CharClasses> own)
      : own_(std::move(own)), classes_(own_.get()) {}

  Classified at(const char* p) const {
    const auto lead = static_cast<unsigned char>(*p);
    if (lead < 0x80) return {lead, 1, classes_->ascii(lead)};
    const Rune rune = read(p);
    return {rune.value, rune.size, (*classes_)[rune.value]};
  }
  // The end of the run of characters at p of which one of the bits is set.
  const char* skip(const char* p, const char* end, std::uint16_t bits) const {
    while (p != end) {
      const auto lead = static_cast<unsigned char>(*p);
      if (lead < 0x80) {
        if (!(classes_->ascii(lead) & bits)) break;
        ++p;
      } else {
        const Rune rune = read(p);
        if (!((*classes_)[rune.value] & bits)) break;
        p += rune.size;
      }
    }
    return p;
  }
  // The end of the run of characters at p of which none of the bits is set.
  const char* skip_without(const char* p, const char* end, std::uint16_t bits) const {
    while (p != end) {
      const Classified c = at(p);
      if (c.bits & bits) break;
      p += c.size;
    }
    return p;
  }
  // The same as skip where of ASCII the bits hold just the letters.
  const char* skip_letters(const char* p, const char* end, std::uint16_t bits) const {
    p = skip_ascii_letters(p, end);
    return p == end || is_ascii(*p) ? p : skip(p, end, bits);
  }
  // Whether there is a character at p with one of the bits.
  bool is(const char* p, const char* end, std::uint16_t bits) const {
    return p != end && (at(p).bits & bits) != 0;
  }

 private:
  std::shared_ptr<const CharClasses> own_;
  const CharClasses* classes_ = &CharClasses::get();
};

inline bool is_newline(char c) { return c == '\n' || c == '\r'; }
inline const char* skip_newlines(const char* p, const char* end) {
  while (p != end && is_newline(*p)) ++p;
  return p;
}

// Emits what lies between matches, so that pieces cover the text.
template <class Emit>
class Gaps {
 public:
  Gaps(const char* begin, Emit& emit) : open_(begin), emit_(emit) {}
  void match(const char* begin, const char* end) {
    finish(begin);
    emit_(begin, end);
    open_ = end;
  }
  // What somebody else emits.
  void pass(const char* begin, const char* end) {
    finish(begin);
    open_ = end;
  }
  // A match of nothing: what is before it and what is after it are apart.
  void cut(const char* at) {
    finish(at);
    open_ = at;
  }
  void finish(const char* end) {
    if (open_ != end) emit_(open_, end);
  }

 private:
  const char* open_;
  Emit& emit_;
};

// White space at p, where no alternative that begins with a space and goes on has matched:
// \s+(?!\S)|\s+, or with newlines \s*[\r\n]+|\s+(?!\S)|\s+ . The end of the match. A character with
// one of the bits `stops` ends the text.
template <bool kNewlines>
const char* white_space(const Reader& reader, const char* p, const char* end,
                        std::uint16_t stops = 0) {
  const char* run = p;
  const char* after_newline = nullptr;
  const char* last = p;  // the last character of the run
  while (run != end) {
    const Classified c = reader.at(run);
    if (!(c.bits & char_class::space)) break;
    last = run;
    run += c.size;
    if (kNewlines && is_newline(*last)) after_newline = run;
  }
  if (after_newline != nullptr) return after_newline;
  // All of it at the end of the text; else without its last character, if that leaves any.
  return run == end || last == p || reader.is(run, end, stops) ? run : last;
}

// 's|'t|'re|'ve|'m|'ll|'d at p, which holds the apostrophe; p when there is none. Without regard to
// case U+017F, the long s, is an s.
template <bool kAnyCase>
const char* contraction(const char* p, const char* end) {
  const auto letter = [&](const char* at) {
    if (at >= end) return '\0';
    const bool capital = kAnyCase && *at >= 'A' && *at <= 'Z';
    return static_cast<char>(capital ? *at + ('a' - 'A') : *at);
  };
  const char first = letter(p + 1);
  switch (first) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return p + 2;
    case 'r':
    case 'v':
      return letter(p + 2) == 'e' ? p + 3 : p;
    case 'l':
      return letter(p + 2) == 'l' ? p + 3 : p;
    case '\xC5':
      return kAnyCase && letter(p + 2) == '\xBF' ? p + 3 : p;
    default:
      return p;
  }
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ ; with kNumbersCut
// after each number has been cut out, so that it is a piece and the text ends before it.
template <bool kNumbersCut>
struct Gpt2Words {
  Reader reader = {};

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    while (p != end) {
      const char* const next = match(p, end);
      emit(p, next);
      p = next;
    }
  }

 private:
  const char* match(const char* p, const char* end) const {
    using namespace char_class;
    const char* const q = *p == ' ' ? p + 1 : p;
    const char* const word = skip_ascii_letters(q, end);
    if (word != q) return reader.skip_letters(word, end, letter);
    if (*p == '\'') {
      const char* const after = contraction<false>(p, end);
      if (after != p) return after;
    }
    if (q == end) return q;
    const Classified c = reader.at(q);
    const char* const after = q + c.size;
    if (c.bits & letter) return reader.skip(after, end, letter);
    if (c.bits & plain) return reader.skip(after, end, plain);
    if (!kNumbersCut && (c.bits & number)) return reader.skip(after, end, number);
    if (kNumbersCut && (c.bits & number) && p == q) return after;
    return white_space<false>(reader, p, end, kNumbersCut ? number : 0);
  }
};
using Gpt2 = Gpt2Words<false>;

}  // namespace bantam::words::pre
