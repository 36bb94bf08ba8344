// The parts of the Ruby dialect that stand for one character: escapes, properties, classes. Each is
// read from the pattern and given as PCRE2 has it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::words {

inline constexpr int kMaxRegexNesting = 100;  // PCRE2's own limit is 250; what is wrapped adds some

// A set of characters: what a class, with all that is nested in it, comes to.
struct RegexSet {
  std::string items;                // the insides of a class
  std::vector<std::string> others;  // expressions for one character, joined to it

  bool empty() const { return items.empty() && others.empty(); }
  void add(std::string_view more, bool negated);
  std::string expression() const;
};

class PatternReader {
 public:
  explicit PatternReader(std::string_view in) : in_(in) {}

 protected:
  [[noreturn]] static void fail(const std::string& what, std::size_t where);
  bool done() const { return at_ == in_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0';
  }
  bool take(std::string_view text);

  char32_t character();  // the one at the place, as it stands
  static void append_literal(std::string& out, char32_t value);

  // \s \S \w \W \d \D \h \H \p{} \P{}, joined to `set`; false when another escape is at the place.
  bool set_escape(RegexSet& set, bool in_class);
  // A backslash that stands for one character.
  char32_t character_escape();
  // [ ... ] with what is nested in it: an expression for one character.
  std::string character_class(int depth = 0);

  std::string_view in_;
  std::size_t at_ = 0;

 private:
  void property(RegexSet& set, bool in_class);
  void class_item(RegexSet& set, int depth);
  char32_t class_character();
  void posix(RegexSet& set);
  char32_t hexadecimal(std::size_t where);
};

}  // namespace bantam::words
