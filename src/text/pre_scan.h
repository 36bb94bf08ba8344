// Scanners: the inner loops of the hand-written pre-tokenizers. A scanner is a function object
// scan(begin, end, emit) that calls emit(begin, end) for consecutive pieces which cover the text it
// is given; Chain applies one to every piece of another. The text is well-formed UTF-8, so the
// bounds of pieces are always bounds of characters. The alternatives of an expression are tried in
// its order, as a backtracking engine does; what a class makes impossible is left out, and each run
// of characters is read a bounded number of times, so that all of this is linear.
#pragma once

#include <cstdint>
#include <utility>

#include "text/unicode.h"

namespace bantam::pre {

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

struct Classified {
  char32_t value;
  unsigned size;
  std::uint16_t bits;  // char_class
};

// Looks characters up by their class.
class Reader {
 public:
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
  // Whether there is a character at p with one of the bits.
  bool is(const char* p, const char* end, std::uint16_t bits) const {
    return p != end && (at(p).bits & bits) != 0;
  }

 private:
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

// First, and on each of its pieces the rest.
template <class First, class... Rest>
struct Chain {
  First first;
  Chain<Rest...> rest;

  template <class Emit>
  void operator()(const char* begin, const char* end, Emit&& emit) const {
    first(begin, end, [&](const char* b, const char* e) { rest(b, e, emit); });
  }
};
template <class Last>
struct Chain<Last> {
  Last last;

  template <class Emit>
  void operator()(const char* begin, const char* end, Emit&& emit) const {
    last(begin, end, emit);
  }
};

// White space at p, where no alternative that begins with a space and goes on has matched:
// \s+(?!\S)|\s+, or with newlines \s*[\r\n]+|\s+(?!\S)|\s+ . The end of the match.
template <bool kNewlines>
const char* white_space(const Reader& reader, const char* p, const char* end) {
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
  return run == end || last == p ? run : last;
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

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
struct Gpt2 {
  Reader reader;

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
    if (*p == '\'') {
      const char* const after = contraction<false>(p, end);
      if (after != p) return after;
    }
    const char* const q = *p == ' ' && p + 1 != end ? p + 1 : p;
    const Classified c = reader.at(q);
    for (const std::uint16_t bits : {letter, number, plain})
      if (c.bits & bits) return reader.skip(q + c.size, end, bits);
    return white_space<false>(reader, p, end);
  }
};

}  // namespace bantam::pre
