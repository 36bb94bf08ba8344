#include "data/csv.h"

#include <algorithm>

#include "base/error.h"

namespace bantam::data {

std::string CsvReader::cell() {
  std::string out;
  if (at_ >= text_.size() || text_[at_] != '"') {
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
      out += text_[at_++];
    return out;
  }
  const std::uint64_t opened = line_;
  for (++at_;; ++at_) {
    if (at_ >= text_.size())
      throw Error("the quote that opens in this line is not closed").in(name_).line(opened);
    if (text_[at_] == '"') {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
      ++at_;
    }
    if (text_[at_] == '\n') ++line_;
    out += text_[at_];
  }
  ++at_;
  if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
    throw Error("a comma or the end of the line was expected after a quoted cell")
        .in(name_)
        .line(line_);
  return out;
}

bool CsvReader::next(std::vector<std::string>& row) {
  while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r'))
    if (text_[at_++] == '\n') ++line_;
  if (at_ >= text_.size()) return false;
  row.clear();
  row_line_ = line_;
  for (;;) {
    row.push_back(cell());
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      continue;
    }
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') {
      ++at_;
      ++line_;
    }
    return true;
  }
}

CsvTable::CsvTable(std::string_view text, std::string name, std::vector<std::string> columns)
    : reader_(text, std::move(name)), columns_(std::move(columns)) {
  if (!columns_.empty()) return;
  if (!reader_.next(columns_))
    throw Error("there is no row with the names of the columns").in(reader_.name());
  head_line_ = reader_.line();
  if (const std::string twice = stands_twice(columns_); !twice.empty())
    throw Error("the column \"" + printable(twice, 60) + "\" stands twice; each needs a name of its own")
        .in(reader_.name())
        .line(head_line_);
}

Json CsvTable::record() {
  if (row_.size() != columns_.size()) {
    Error wrong("a row of " + std::to_string(columns_.size()) + " cells was expected, not of " + std::to_string(row_.size()));
    if (row_.size() < columns_.size()) wrong.field(printable(columns_[row_.size()], 60));  // the first without a cell
    throw wrong.in(reader_.name()).line(line());
  }
  Json record = Json::object();
  for (std::size_t i = 0; i < row_.size(); ++i)
    if (!columns_[i].empty()) record[columns_[i]] = std::move(row_[i]);
  return record;
}

std::string stands_twice(const std::vector<std::string>& names) {
  for (auto at = names.begin(); at != names.end(); ++at)
    if (!at->empty() && std::find(names.begin(), at, *at) != at) return *at;
  return "";
}

}  // namespace bantam::data
