#include "data/csv.h"

namespace bantam::data {

std::string CsvReader::cell(bool& last) {
  std::string out;
  bool quoted = false;
  std::size_t at = 0;
  if (text_.starts_with('"')) {
    quoted = true;
    at = 1;
  }
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (c == '\n') ++at_line_;
    if (quoted && c == '"') {
      if (at + 1 < text_.size() && text_[at + 1] == '"') {
        out += '"';
        ++at;
      } else {
        quoted = false;
      }
    } else if (!quoted && (c == ',' || c == '\n')) {
      last = c == '\n';
      text_.remove_prefix(at + 1);
      if (last && out.ends_with('\r')) out.pop_back();
      return out;
    } else {
      out += c;
    }
  }
  text_ = {};
  last = true;
  if (out.ends_with('\r')) out.pop_back();
  return out;
}

bool CsvReader::next(std::vector<std::string>& cells) {
  while (!text_.empty()) {
    cells.clear();
    line_ = at_line_;
    for (bool last = false; !last;) cells.push_back(cell(last));
    if (cells.size() > 1 || !cells[0].empty()) return true;
  }
  return false;
}

}  // namespace bantam::data
