#include "judge/csv.h"

#include "base/error.h"

namespace bantam::judge {

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

}  // namespace bantam::judge
