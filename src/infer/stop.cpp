#include "infer/stop.h"

#include <algorithm>
#include <utility>

namespace bantam::infer {

StopStrings::StopStrings(std::vector<std::string> strings) {
  for (std::string& s : strings) {
    if (s.empty()) continue;
    Matcher m;
    m.fallback.assign(s.size(), 0);
    for (std::size_t i = 1, k = 0; i < s.size(); ++i) {
      while (k > 0 && s[i] != s[k]) k = m.fallback[k - 1];
      if (s[i] == s[k]) ++k;
      m.fallback[i] = k;
    }
    m.text = std::move(s);
    matchers_.push_back(std::move(m));
  }
}

void StopStrings::Matcher::step(char c) {
  while (matched > 0 && text[matched] != c) matched = fallback[matched - 1];
  if (text[matched] == c) ++matched;
}

std::string StopStrings::feed(std::string_view text) {
  if (!met_.empty()) return "";
  for (const char c : text) {
    held_ += c;
    // Of those that end here the longest began first.
    const Matcher* complete = nullptr;
    for (Matcher& m : matchers_) {
      m.step(c);
      if (m.matched == m.text.size() &&
          (complete == nullptr || m.text.size() > complete->text.size()))
        complete = &m;
    }
    if (complete == nullptr) continue;
    met_ = complete->text;
    held_.resize(held_.size() - met_.size());
    return std::exchange(held_, {});
  }
  std::size_t open = 0;
  for (const Matcher& m : matchers_) open = std::max(open, m.matched);
  std::string out = held_.substr(0, held_.size() - open);
  held_.erase(0, held_.size() - open);
  return out;
}

std::string StopStrings::finish() {
  for (Matcher& m : matchers_) m.matched = 0;
  return std::exchange(held_, {});
}

}  // namespace bantam::infer
