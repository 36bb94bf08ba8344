// Scanners of the expressions that descend from OpenAI's cl100k_base and o200k_base, and
// DeepSeek's.
#pragma once

#include "base/rooms.h"
#include "words/pre_scan.h"

namespace bantam::words::pre {

// What differs between
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
//   |\s*[\r\n]+|\s+(?!\S)|\s+
// and its kin.
struct WordRules {
  // Words in two alternatives, [upper]*[lower]+ and [upper]+[lower]*, where upper is
  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and lower [\p{Ll}\p{Lm}\p{Lo}\p{M}]; contractions follow a
  // word.
  bool by_case = false;
  bool contractions = true;
  bool marks = false;    // [\p{L}\p{M}]+ for \p{L}+, and no marks in [^\s\p{L}\p{N}]+
  int digits = 3;        // most numbers in a piece; 0: no bound
  bool newlines = true;  // [\r\n]* after punctuation
  bool slashes = false;  // [\r\n/]* after punctuation
  bool halving = false;  // \s{512}(?!\S)|\s{256}(?!\S)|..|\s{4}(?!\S)|\s{1,2}(?!\S)|\s for \s+
};

template <WordRules kRules>
struct Words {
  Reader reader;

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    while (p != end) {
      if constexpr (kRules.halving) {
        const char* const after = halves(p, end, emit);
        if (after != p) {
          p = after;
          continue;
        }
      }
      const char* const next = match(p, end);
      emit(p, next);
      p = next;
    }
  }

 private:
  static constexpr std::uint16_t kLetters =
      char_class::letter | (kRules.marks ? char_class::mark : 0);
  static constexpr std::uint16_t kPlain =
      static_cast<std::uint16_t>(char_class::plain & ~(kRules.marks ? char_class::mark : 0));
  static constexpr std::uint16_t kEither = char_class::other_letter | char_class::mark;
  static constexpr std::uint16_t kUpper = char_class::upper | kEither;
  static constexpr std::uint16_t kLower = char_class::lower | kEither;

  const char* match(const char* p, const char* end) const {
    if (kRules.contractions && !kRules.by_case && *p == '\'') {
      const char* const after = contraction<true>(p, end);
      if (after != p) return after;
    }
    const Classified c = reader.at(p);
    const char* const word = kRules.by_case ? cased_word(p, end, c) : plain_word(p, end, c);
    if (word != nullptr) return word;
    if (c.bits & char_class::number) return numbers(p + c.size, end);
    const char* const q = *p == ' ' ? p + 1 : p;
    if (reader.is(q, end, kPlain)) return punctuation(q, end);
    return white_space<true>(reader, p, end);
  }

  // [^\r\n\p{L}\p{N}]?\p{L}+, null when it does not match.
  const char* plain_word(const char* p, const char* end, const Classified& c) const {
    const char* const q = p + c.size;
    if (!(c.bits & kLetters) && ((c.bits & char_class::number) || is_newline(*p))) return nullptr;
    const char* const word = reader.skip_letters(q, end, kLetters);
    return word != q || (c.bits & kLetters) ? word : nullptr;
  }

  // The two alternatives of a word by case, each with and without the character before it.
  const char* cased_word(const char* p, const char* end, const Classified& c) const {
    const bool has_prefix =
        !(c.bits & (char_class::letter | char_class::number)) && !is_newline(*p);
    const char* const q = has_prefix ? p + c.size : p;
    const char* upper_end = q;
    const char* word = lower_ending(q, end, upper_end);
    // A mark may be the character before the word or belong to it.
    const char* unused = nullptr;
    if (word == nullptr && has_prefix && (c.bits & char_class::mark))
      word = lower_ending(p, end, unused);
    // [upper]+[lower]*: a lower after the uppers would have matched above.
    if (word == nullptr && upper_end != q) word = upper_end;
    if (word != nullptr && kRules.contractions && word != end && *word == '\'')
      return contraction<true>(word, end);
    return word;
  }
  // [upper]*[lower]+ at p, null when it does not match; `upper_end` is the end of [upper]*. Where
  // no lower follows, the uppers are given back up to the last one that is a lower too.
  const char* lower_ending(const char* p, const char* end, const char*& upper_end) const {
    const char* either_end = nullptr;
    while (p != end) {
      if (*p >= 'a' && *p <= 'z') {
        p = skip_ascii_lower(p, end);
        return p == end || is_ascii(*p) ? p : reader.skip(p, end, kLower);
      }
      const Classified c = reader.at(p);
      if (!(c.bits & kUpper)) break;
      p += c.size;
      if (c.bits & kEither) either_end = p = reader.skip(p, end, kEither);
    }
    upper_end = p;
    if (!reader.is(p, end, kLower)) return either_end;
    return reader.skip(p, end, kLower);
  }

  const char* numbers(const char* p, const char* end) const {
    if (kRules.digits == 0) return reader.skip(p, end, char_class::number);
    for (int n = 1; n < kRules.digits && reader.is(p, end, char_class::number); ++n)
      p += reader.at(p).size;
    return p;
  }

  // Emits the white space at p, but for the last character before something else, which may belong
  // to that. Where a run has newlines, they are left to white_space.
  template <class Emit>
  const char* halves(const char* p, const char* end, Emit& emit) const {
    const char* run = p;
    std::size_t left = 0;
    for (; reader.is(run, end, char_class::space); run += reader.at(run).size, ++left)
      if (is_newline(*run)) return white_space_with_newlines(p, end, emit);
    if (run != end && left > 0) --left;
    for (std::size_t size = 512; left > 0;) {
      if (size > left) {
        size /= 2;
        continue;
      }
      const char* q = p;
      for (std::size_t i = 0; i < size; ++i) q += reader.at(q).size;
      emit(p, q);
      p = q;
      left -= size;
    }
    return p;
  }
  template <class Emit>
  const char* white_space_with_newlines(const char* p, const char* end, Emit& emit) const {
    const char* const next = white_space<true>(reader, p, end);
    emit(p, next);
    return next;
  }

  const char* punctuation(const char* p, const char* end) const {
    p = reader.skip(p, end, kPlain);
    if (kRules.newlines || kRules.slashes)
      while (p != end && (is_newline(*p) || (kRules.slashes && *p == '/'))) ++p;
    return p;
  }
};

// [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*
// |\s*[\r\n]+|\s+(?!\S)|\s+ ; numbers and controls alone are not matched. With kCut after
// \p{N}{1,3} has been cut out, and runs of the characters that are char_class::custom alone in the
// reader's table (such a run is split by itself).
template <bool kCut>
struct DeepSeek3 {
  Reader reader = {};

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    Gaps gaps(p, emit);
    while (p != end) {
      const Classified c = reader.at(p);
      const char* next = match(p, end, c);
      if (next == nullptr) {
        next = p + c.size;
      } else if (kCut && (c.bits & char_class::custom)) {
        gaps.pass(p, next);
        DeepSeek3<false>{}(p, next, emit);
      } else {
        gaps.match(p, next);
      }
      p = next;
    }
    gaps.finish(end);
  }

 private:
  static constexpr std::uint16_t kWord = char_class::letter | char_class::mark;
  static constexpr std::uint16_t kSigns = char_class::punctuation | char_class::symbol;
  static constexpr std::uint16_t kStops = kCut ? char_class::number | char_class::custom : 0;

  // Null when nothing matches.
  const char* match(const char* p, const char* end, const Classified& c) const {
    const char* const q = p + c.size;
    if (c.bits & kStops) return cut_out(q, end, c);
    if ((c.bits & kSigns) && c.value < 0x80) {
      const char* const word = skip_ascii_letters(q, end);
      if (word != q) return word;
    }
    if ((c.bits & kWord) || (!(c.bits & kSigns) && !is_newline(*p))) {
      const char* const word = reader.skip_letters(q, end, kWord);
      if (word != q || (c.bits & kWord)) return word;
    }
    const char* const signs = *p == ' ' ? q : p;
    if (reader.is(signs, end, kSigns)) return skip_newlines(reader.skip(signs, end, kSigns), end);
    return c.bits & char_class::space ? white_space<true>(reader, p, end, kStops) : nullptr;
  }

  const char* cut_out(const char* q, const char* end, const Classified& c) const {
    if (c.bits & char_class::custom) return reader.skip(q, end, char_class::custom);
    for (int n = 1; n < 3 && reader.is(q, end, char_class::number); ++n) q += reader.at(q).size;
    return q;
  }
};

}  // namespace bantam::words::pre
