// Comma-separated values (RFC 4180): quoted cells may hold commas, quotes (doubled) and newlines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::data {

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}
  // The next row that is not empty; false at the end. A quote that is never closed ends with the
  // text.
  bool next(std::vector<std::string>& cells);
  std::int64_t line() const { return line_; }  // where the last row began, from 1

 private:
  std::string cell(bool& last);

  std::string_view text_;
  std::int64_t line_ = 0, at_line_ = 1;
};

}  // namespace bantam::data
