#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace bantam::base {

std::string duration_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::llround(seconds < 0 ? 0 : seconds));
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7200) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
}

namespace {

std::string scaled(double value, const char* unit) {
  constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T"};
  int i = 0;
  while (value >= 999.5 && i < 4) {
    value /= 1000;
    ++i;
  }
  if (i == 0) return fmt::format("{:.0f} {}", value, unit);
  return fmt::format("{:.3g} {}{}", value, kPrefixes[i], unit);
}

}  // namespace

std::string count_text(double count) {
  std::string text = scaled(count, "");
  if (text.back() == ' ') text.pop_back();
  return text;
}
std::string byte_text(double bytes) { return scaled(bytes, "B"); }

Progress::Style Progress::detect(bool quiet) {
  if (quiet) return Style::silent;
  return isatty(STDERR_FILENO) == 1 ? Style::terminal : Style::lines;
}

Progress::Progress(Style style, std::string what, std::int64_t total)
    : style_(style), what_(std::move(what)), total_(total) {}

Progress::~Progress() {
  if (open_) std::fputc('\n', stderr);
}

std::string Progress::line(std::int64_t done, const std::string& note) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string text = what_;
  if (total_ > 0) {
    text += fmt::format(" {}/{}", done, total_);
    if (done > skipped_ && done < total_)
      text += ", " +
              duration_text(elapsed / static_cast<double>(done - skipped_) *
                            static_cast<double>(total_ - done)) +
              " left";
  }
  if (!note.empty()) text += ", " + note;
  return text;
}

void Progress::update(std::int64_t done, const std::string& note) {
  if (style_ == Style::silent) return;
  const Clock::time_point now = Clock::now();
  const auto pause =
      style_ == Style::terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
  if (last_ != Clock::time_point{} && now - last_ < pause) return;
  last_ = now;
  const std::string text = line(done, note);
  if (style_ == Style::terminal) {
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    open_ = true;
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::fflush(stderr);
}

void Progress::finish(const std::string& note) {
  if (style_ == Style::silent) return;
  std::fprintf(stderr, style_ == Style::terminal ? "\r\033[K%s, %s\n" : "%s, %s\n", what_.c_str(),
               note.c_str());
  open_ = false;
}

}  // namespace bantam::base
