#include "base/error.h"

#include <string_view>

namespace bantam::base {

Error::Error(std::string message, Kind kind)
    : std::runtime_error(message), message_(std::move(message)), kind_(kind) {
  compose();
}

Error& Error::in(std::string file) {
  if (file_.empty()) file_ = std::move(file);
  compose();
  return *this;
}

Error& Error::field(std::string name) {
  if (field_.empty()) field_ = std::move(name);
  compose();
  return *this;
}

Error& Error::at(std::uint64_t byte_offset) {
  if (!offset_) offset_ = byte_offset;
  compose();
  return *this;
}

Error& Error::line(std::uint64_t line_number) {
  if (!line_) line_ = line_number;
  compose();
  return *this;
}

void Error::compose() {
  text_.clear();
  if (!file_.empty()) text_ += printable(file_, 4096);
  if (line_) text_ += (text_.empty() ? "line " : ":") + std::to_string(*line_);
  if (!text_.empty() && (!field_.empty() || offset_)) text_ += ": ";
  if (!field_.empty()) text_ += printable(field_, 200);
  if (offset_) text_ += (field_.empty() ? "at offset " : " at offset ") + std::to_string(*offset_);
  if (!text_.empty()) text_ += ": ";
  text_ += message_;
}

namespace {

// Length of the well-formed UTF-8 sequence at `at`, or 0.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  const std::size_t length = lead < 0x80       ? 1
                             : lead >> 5 == 6  ? 2
                             : lead >> 4 == 14 ? 3
                             : lead >> 3 == 30 ? 4
                                               : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (byte(at + i) >> 6 != 2) return 0;
  if (lead == 0xc2 && byte(at + 1) < 0xa0) return 0;  // C1 controls
  return lead == 0xc0 || lead == 0xc1 ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "...";
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence_length(text, i);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace bantam::base
