// Sequences of stages that are read in one pass.
#pragma once

#include "base/rooms.h"
#include "words/pre_runs.h"

namespace bantam::words::pre {

// Punctuation in runs, then Gpt2, then runs of digits, then [0-9][0-9][0-9], each applied to the
// pieces of the one before. In the reader's table just that is char_class::punctuation which the
// first stage takes; the apostrophe is, so that there are no contractions. kBytes: the last two
// stages see GPT-2's spelling of bytes, as after a ByteLevel. Some bytes are spelt by superscript
// digits and fractions of Latin-1: they count as digits wherever they are.
template <bool kBytes>
struct PunctuationGpt2Digits {
  Reader reader;

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    while (p != end) {
      const char* const word = *p == ' ' ? p + 1 : p;
      const char* next = skip_ascii_letters(word, end);
      if (next != word && (next == end || is_ascii(*next))) {
        emit(p, next);
      } else {
        next = match(p, end);
        digits(p, next, emit);
      }
      p = next;
    }
  }

 private:
  static constexpr std::uint16_t kPlain =
      char_class::plain & static_cast<std::uint16_t>(~char_class::punctuation);

  // The end of the piece of the second stage.
  const char* match(const char* p, const char* end) const {
    using namespace char_class;
    const char* const q = *p == ' ' ? p + 1 : p;
    if (q == end) return q;
    const Classified c = reader.at(q);
    for (const std::uint16_t bits : {letter, number, kPlain})
      if (c.bits & bits) return reader.skip(q + c.size, end, bits);
    if ((c.bits & punctuation) && p == q) return reader.skip(q + c.size, end, punctuation);
    return white_space<false>(reader, p, end, punctuation);
  }

  // The length of the digit at p, 0 when there is none.
  unsigned digit_size(const char* p) const {
    if (!kBytes) {
      const Classified c = reader.at(p);
      return c.bits & char_class::number ? c.size : 0;
    }
    const auto byte = static_cast<unsigned char>(*p);
    return (byte >= '0' && byte <= '9') || byte == 0xB2 || byte == 0xB3 || byte == 0xB9 ||
                   (byte >= 0xBC && byte <= 0xBE)
               ? 1
               : 0;
  }

  // The last two stages.
  template <class Emit>
  void digits(const char* p, const char* end, Emit& emit) const {
    Gaps gaps(p, emit);
    while (p != end) {
      const char* q = p;
      while (q != end && digit_size(q) != 0) q += digit_size(q);
      if (q == p) {
        p += kBytes ? 1 : reader.at(p).size;
      } else {
        gaps.pass(p, q);
        threes(p, q, emit);
        p = q;
      }
    }
    gaps.finish(end);
  }
  template <class Emit>
  static void threes(const char* p, const char* end, Emit& emit) {
    Gaps gaps(p, emit);
    while (p != end) {
      const char* q = p;
      while (q != end && q != p + 3 && *q >= '0' && *q <= '9') ++q;
      if (q == p + 3) {
        gaps.match(p, q);
        p = q;
      } else {
        p = q == p ? p + 1 : q;
      }
    }
    gaps.finish(end);
  }
};

// DeepSeek LLM and Coder: [\r\n], \s?[first]+, \s?[second]+, (kTrailing) \s+$, [third]+, \p{N},
// each applied to the pieces of the one before. The sets are bits in the reader's table, beside the
// class; of ASCII `first` has just the letters.
template <bool kTrailing>
struct DeepSeekLists {
  static constexpr std::uint16_t kFirst = char_class::custom;
  static constexpr std::uint16_t kSecond = kFirst << 1;
  static constexpr std::uint16_t kThird = kFirst << 2;
  Reader reader;

  template <class Emit>
  void operator()(const char* p, const char* end, Emit&& emit) const {
    const char* open = p;  // of what neither set has
    const auto close = [&](const char* at, const char* next) {
      if (open != at) late(open, at, emit);
      open = next;
    };
    while (p != end) {
      const Classified c = reader.at(p);
      const char* next = p + c.size;
      const bool space = (c.bits & char_class::space) != 0;
      if (!space && !(c.bits & (kFirst | kSecond))) {
        next = reader.skip_without(next, end, kFirst | kSecond | char_class::space);
      } else if (is_newline(*p)) {
        close(p, next);
        emit(p, next);
      } else if ((c.bits & kFirst) || (space && reader.is(next, end, kFirst))) {
        next = reader.skip_letters(next, end, kFirst);
        close(p, next);
        first(p, next, emit);
      } else if (in_second(p, end) || (space && in_second(next, end))) {
        while (in_second(next, end)) next += reader.at(next).size;
        close(p, next);
        late(p, next, emit);
      }
      p = next;
    }
    close(end, end);
  }

 private:
  // Where the first set has taken all it can; a space before a character of it is taken as well.
  bool in_second(const char* p, const char* end) const {
    if (p == end) return false;
    const Classified c = reader.at(p);
    if (!(c.bits & kSecond) || (c.bits & kFirst)) return false;
    return !(c.bits & char_class::space) || !reader.is(p + c.size, end, kFirst);
  }

  // A match of the first set.
  template <class Emit>
  void first(const char* p, const char* end, Emit& emit) const {
    const char* const word = *p == ' ' ? p + 1 : p;
    if (skip_ascii_letters(word, end) == end) return emit(p, end);
    if (!kTrailing) return refine(p, end, emit);
    // The second set has some of the first's characters.
    const Runs<ClassSet, Before::white_space> second{{kSecond}, reader};
    second(p, end, [&](const char* b, const char* e) { late(b, e, emit); });
  }
  // From the fourth stage on.
  template <class Emit>
  void late(const char* p, const char* end, Emit& emit) const {
    if (kTrailing && (reader.at(previous(end)).bits & char_class::space)) {
      const char* last = end;
      while (last != p && (reader.at(previous(last)).bits & char_class::space))
        last = previous(last);
      if (p != last) refine(p, last, emit);
      p = last;
    }
    refine(p, end, emit);
  }
  // Runs within the third set and outside it, numbers alone.
  template <class Emit>
  void refine(const char* p, const char* end, Emit& emit) const {
    constexpr std::uint16_t kNumber = char_class::number;
    const char* open = p;
    Classified before = reader.at(p);
    for (p += before.size; p != end;) {
      const Classified c = reader.at(p);
      if (((before.bits ^ c.bits) & kThird) || ((before.bits | c.bits) & kNumber)) {
        emit(open, p);
        open = p;
      }
      before = c;
      p += c.size;
    }
    emit(open, end);
  }
};

}  // namespace bantam::words::pre
