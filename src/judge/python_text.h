// What Python's strings do, where a score depends on it: white space, lengths, capitals, patterns.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

// Where the white space (str.isspace) at the end begins, and where that at the beginning ends.
std::size_t right_edge(std::string_view text);
std::size_t left_edge(std::string_view text);
std::string_view strip(std::string_view text);
// len(text), in code points; text is UTF-8.
std::size_t code_points(std::string_view text);
// str.capitalize: the first character in title case, all others in lower case.
std::string capitalize(std::string_view text);
std::string lower(std::string_view text);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
// The pieces between runs of white space, empty ones at the ends included (re.split(r"\s+")).
std::size_t split_count(std::string_view text);
// str.split(" ").
std::vector<std::string> split_spaces(std::string_view text);

// A pattern of Python's module re, as far as PCRE2 reads it alike, with Unicode classes.
class Pattern {
 public:
  // Throws Error that shows the pattern and the place in it.
  explicit Pattern(std::string_view pattern);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  // The groups of a match, group 0 first; one that took no part is empty.
  using Groups = std::vector<std::optional<std::string>>;
  // All matches from left to right (re.finditer). Throws Error when one takes too many steps.
  std::vector<Groups> find_all(std::string_view text) const;
  bool found_in(std::string_view text) const;
  // The text without its matches (re.sub(pattern, "", text)).
  std::string removed_from(std::string_view text) const;

 private:
  struct Program;
  template <class Take>
  void each(std::string_view text, const Take& take) const;
  std::unique_ptr<Program> program_;
};

}  // namespace bantam::judge
