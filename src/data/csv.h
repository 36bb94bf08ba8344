// Tables of text: RFC 4180, with line ends inside quotes, and either kind of line end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/rooms.h"

namespace bantam::data {

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}
  // The next row that is not blank; false at the end. Throws Error with the line: a quote that is
  // not closed, text after a closing quote.
  bool next(std::vector<std::string>& row);
  std::uint64_t line() const { return row_line_; }  // where the last row began
  const std::string& name() const { return name_; }

 private:
  std::string cell();
  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1, row_line_ = 1;
};

// A table whose columns have names: those given, or what stands in its first row. A column without a name
// is left out (programs write a row's number into one, or end every row with a comma).
class CsvTable {
 public:
  // Throws Error: there is no first row, a name stands twice.
  CsvTable(std::string_view text, std::string name, std::vector<std::string> columns = {});
  // To the next row; false at the end. Throws Error as CsvReader does.
  bool next() { return reader_.next(row_); }
  // The row as an object of texts, once. Throws Error: more or fewer cells than columns.
  Json record();
  std::uint64_t line() const { return reader_.line(); }
  std::uint64_t head_line() const { return head_line_; }  // where the names stand; 1 when they were given

 private:
  CsvReader reader_;
  std::vector<std::string> columns_, row_;
  std::uint64_t head_line_ = 1;
};

// The first name that stands twice; empty: none does.
std::string stands_twice(const std::vector<std::string>& names);

}  // namespace bantam::data
