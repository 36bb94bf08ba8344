// Scanners of expressions that match runs of one set of characters: \p{N}{1,3}, \s?\p{L}+,
// [0-9][0-9][0-9] and the like; and those that group digits.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "words/pre_scan.h"

namespace bantam::words::pre {

// A set by class.
struct ClassSet {
  std::uint16_t bits;
  bool has(const Classified& c) const { return (c.bits & bits) != 0; }
  bool has_ascii_letters() const { return (bits & char_class::letter) == char_class::letter; }
};

// Any set, in two stages of 64 characters.
class CodeSet {
 public:
  // `ranges`: the insides of a character class that holds plain characters and ranges alone
  // ("a-zA-Z_"); with them all characters of the classes `bits`. With `negative`, all others.
  explicit CodeSet(std::string_view ranges, std::uint16_t bits = 0, bool negative = false);

  bool has(const Classified& c) const {
    const std::uint64_t word = c.value < 128 ? ascii_[c.value >> 6] : words_[index_[c.value >> 6]];
    return (word >> (c.value & 63) & 1) != 0;
  }
  bool has_ascii_letters() const { return ascii_letters_; }

 private:
  std::array<std::uint64_t, 2> ascii_{};
  bool ascii_letters_ = false;
  std::vector<std::uint16_t> index_;  // of each block of 64 characters, its word
  std::vector<std::uint64_t> words_;  // equal ones are stored once
};

enum class Before { nothing, a_space, white_space };  // may stand before a run: "", " ?", "\s?"

// [set]{kMin,kMax} (kMax 0: no bound), after what `kBefore` says.
template <class Set, Before kBefore = Before::nothing, int kMin = 1, int kMax = 0>
struct Runs {
  Set set;
  Reader reader = {};

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    Gaps gaps(p, emit);
    while (p != end) {
      const Classified c = reader.at(p);
      const char* const q = p + c.size;
      const char* next = nullptr;
      if (may_stand_before(c)) next = run(q, end);
      if (next == nullptr && set.has(c)) next = run(p, end);
      if (next != nullptr) {
        gaps.match(p, next);
        p = next;
      } else {
        p = q;
      }
    }
    gaps.finish(end);
  }

 private:
  static bool may_stand_before(const Classified& c) {
    if (kBefore == Before::a_space) return c.value == ' ';
    return kBefore == Before::white_space && (c.bits & char_class::space) != 0;
  }
  // The end of the run at p, null when it is too short.
  const char* run(const char* p, const char* end) const {
    const char* const begin = p;
    if (kMax == 0 && kMin == 1) {
      for (;;) {
        if (set.has_ascii_letters()) p = skip_ascii_letters(p, end);
        if (p == end) break;
        const Classified c = reader.at(p);
        if (!set.has(c)) break;
        p += c.size;
      }
      return p == begin ? nullptr : p;
    }
    int count = 0;
    for (; p != end && (kMax == 0 || count < kMax); ++count) {
      const Classified c = reader.at(p);
      if (!set.has(c)) break;
      p += c.size;
    }
    return count < kMin ? nullptr : p;
  }
};

// [first]+|[second]+|.. of sets that have no character in common.
template <std::size_t kSets>
struct RunsOfSets {
  std::array<CodeSet, kSets> sets;
  Reader reader = {};

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    Gaps gaps(p, emit);
    while (p != end) {
      const Classified c = reader.at(p);
      const auto set = std::find_if(sets.begin(), sets.end(), [&](auto& s) { return s.has(c); });
      const char* q = p + c.size;
      if (set != sets.end()) {
        while (q != end && set->has(reader.at(q))) q += reader.at(q).size;
        gaps.match(p, q);
      }
      p = q;
    }
    gaps.finish(end);
  }
};

// \s+$ where $ is the end of a line: of a run of white space what stands before its last \n, or all
// of it at the end of the text.
struct TrailingSpace {
  Reader reader = {};

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    Gaps gaps(p, emit);
    while (p != end) {
      const Classified c = reader.at(p);
      if (!(c.bits & char_class::space)) {
        p += c.size;
        continue;
      }
      const char* const run = reader.skip(p, end, char_class::space);
      const char* last = run;
      if (run != end)
        while (last != p && *last != '\n') --last;  // *run is not a \n
      if (last != p) gaps.match(p, last);
      p = run;
    }
    gaps.finish(end);
  }
};

// [\r\n]
struct OneNewline {
  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    Gaps gaps(p, emit);
    while ((p = find(p, end)) != end) {
      gaps.match(p, p + 1);
      ++p;
    }
    gaps.finish(end);
  }

 private:
  static const char* find(const char* p, const char* end) {
    for (; end - p >= 8; p += 8) {
      const std::uint64_t word = load_eight(p);
      const std::uint64_t found = bytes_between(word, '\n', '\n') | bytes_between(word, '\r', '\r');
      if (found != 0) return p + (std::countr_zero(found) >> 3);
    }
    while (p != end && !is_newline(*p)) ++p;
    return p;
  }
};

// Whether \w of Oniguruma has the character: Alphabetic, M, Nd, Pc and six of Latin-1.
bool is_word(char32_t value);

enum class Grouping {
  words,    // \d{1,3}(?=(?:\d{3})*\b)
  numbers,  // \p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))
  places,   // (?=(\d{3})+(?!\d)), which matches between characters
};

// Digits in groups of three, counted from the right.
template <Grouping kGrouping>
struct DigitGroups {
  Reader reader = {};

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    Gaps gaps(p, emit);
    while (p != end) {
      const Classified c = reader.at(p);
      const char* q = p + c.size;
      if (c.bits & kDigits) {
        int count = 1;  // modulo 3
        for (; reader.is(q, end, kDigits); q += reader.at(q).size) count = (count + 1) % 3;
        // A word that goes on after the digits: they are not matched.
        if (kGrouping != Grouping::words || q == end || !is_word(reader.at(q).value))
          groups(p, q, count, gaps);
      }
      p = q;
    }
    gaps.finish(end);
  }

 private:
  static constexpr std::uint16_t kDigits =
      kGrouping == Grouping::numbers ? char_class::number : char_class::digit;

  template <class GapsOfEmit>
  void groups(const char* p, const char* end, int first, GapsOfEmit& gaps) const {
    for (int size = first == 0 ? 3 : first; p != end; size = 3) {
      const char* q = p;
      for (int i = 0; i < size; ++i) q += reader.at(q).size;
      if constexpr (kGrouping != Grouping::places) {
        gaps.match(p, q);
      } else if (size == 3) {
        gaps.cut(p);
      }
      p = q;
    }
  }
};

}  // namespace bantam::words::pre
