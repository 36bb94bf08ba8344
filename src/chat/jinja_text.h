// Python's string primitives on well-formed UTF-8: white space, case, stripping, splitting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

// Text that grows, refusing to grow beyond what the meter has left.
class Sink {
 public:
  explicit Sink(Meter& meter) : meter_(meter) {}
  void append(std::string_view text);
  void append(char c) { append(std::string_view(&c, 1)); }
  // `count` times; nothing when it is not positive.
  void repeat(std::string_view text, std::int64_t count);
  std::string take() { return std::move(text_); }
  const std::string& text() const { return text_; }

 private:
  Meter& meter_;
  std::string text_;
};

// str.isspace() of one character, which is also \s of Python's re.
bool is_space(char32_t c);
// The letters and digits of Python's \w (str.isalnum), without the underscore.
bool is_alnum(char32_t c);
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);  // Nd
bool is_digit(char32_t c);    // those and superscripts, circled digits, ...
bool is_numeric(char32_t c);  // every number by category; Han numerals are not counted
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_title(char32_t c);
bool is_printable(char32_t c);

// 0 to 9 alone.
inline bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string casefold(std::string_view text);
std::string swapcase(std::string_view text);
std::string capitalize(std::string_view text);
// str.title(): every run of cased letters starts with a capital.
std::string title_words(std::string_view text);

// Without the white space, or the characters of `chars`, at the sides asked for.
std::string_view strip(std::string_view text, bool left, bool right);
std::string_view strip(std::string_view text, std::string_view chars, bool left, bool right);

// str.split() and .rsplit(): `limit` below 0 is none. An empty separator is the caller's error.
using Pieces = std::vector<std::string_view>;
Pieces split_space(Meter& meter, std::string_view text, std::int64_t limit);
Pieces rsplit_space(Meter& meter, std::string_view text, std::int64_t limit);
Pieces split_at(Meter& meter, std::string_view text, std::string_view separator,
                std::int64_t limit);
Pieces rsplit_at(Meter& meter, std::string_view text, std::string_view separator,
                 std::int64_t limit);
Pieces split_lines(Meter& meter, std::string_view text, bool keep_ends);

// The first and the last place of `part`, or npos; in linear time, unlike the ones of std::string.
std::size_t find_first(Meter& meter, std::string_view text, std::string_view part);
std::size_t find_last(Meter& meter, std::string_view text, std::string_view part);

// The byte where code point `index` starts; text.size() when there are not so many.
std::size_t byte_of(const Value& text, std::size_t index);
// The code points `from` to `to` (excluded) of a string value.
std::string_view rune_slice(const Value& text, std::size_t from, std::size_t to);

}  // namespace bantam::chat::jinja
