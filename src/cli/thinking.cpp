#include "cli/thinking.h"

#include <algorithm>

namespace bantam::cli {

namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>";

// How many bytes at the end of `text` could begin `mark`.
std::size_t begun(std::string_view text, std::string_view mark) {
  for (std::size_t n = std::min(text.size(), mark.size() - 1); n > 0; --n)
    if (mark.starts_with(text.substr(text.size() - n))) return n;
  return 0;
}

}  // namespace

std::vector<ThinkingSplitter::Piece> ThinkingSplitter::feed(std::string_view text) {
  waiting_ += text;
  std::vector<Piece> out;
  const auto put = [&](std::size_t count, bool thought) {
    if (count > 0) out.push_back({waiting_.substr(0, count), thought});
    waiting_.erase(0, count);
  };
  while (true) {
    const std::string_view mark = inside_ ? kClose : kOpen;
    const std::size_t at = waiting_.find(mark);
    if (at == std::string::npos) {
      put(waiting_.size() - begun(waiting_, mark), inside_);
      return out;
    }
    if (inside_) {
      put(at + mark.size(), true);
    } else {
      put(at, false);
      put(mark.size(), true);
    }
    inside_ = !inside_;
  }
}

std::vector<ThinkingSplitter::Piece> ThinkingSplitter::finish() {
  std::vector<Piece> out;
  if (!waiting_.empty()) out.push_back({std::move(waiting_), inside_});
  waiting_.clear();
  return out;
}

}  // namespace bantam::cli
