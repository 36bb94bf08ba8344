// Tables of text: RFC 4180, with line ends inside quotes, and either kind of line end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}
  // The next row that is not blank; false at the end. Throws Error with the line: a quote that is
  // not closed, text after a closing quote.
  bool next(std::vector<std::string>& row);
  std::uint64_t line() const { return row_line_; }  // where the last row began

 private:
  std::string cell();
  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1, row_line_ = 1;
};

}  // namespace bantam::judge
