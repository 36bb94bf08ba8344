// The one exception type of the program. Thrown where a fact is known, caught in main (and at a
// server's request boundary), printed as one line that says where the fault is and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/rooms.h"

namespace bantam::base {

class Error : public std::runtime_error {
 public:
  // Exit status of a command that failed; 2 is a wrong command line.
  enum class Kind { failed = 1, usage = 2 };

  explicit Error(std::string message, Kind kind = Kind::failed);

  // Where the fault is. Each returns *this, so that a throw reads as one sentence:
  //   throw Error("a version of 2 or 3 was expected, not 7").in(path).field("version").at(4);
  // A place that is already set stays: the innermost code knows best.
  Error& in(std::string file);
  Error& field(std::string name);
  Error& at(std::uint64_t byte_offset);
  Error& line(std::uint64_t line_number);

  const std::string& message() const { return message_; }
  const std::string& file() const { return file_; }
  const std::string& field() const { return field_; }
  std::optional<std::uint64_t> offset() const { return offset_; }
  std::optional<std::uint64_t> line() const { return line_; }
  Kind kind() const { return kind_; }

  // "FILE: FIELD at offset N: MESSAGE", leaving out what is not known.
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  void compose();

  std::string message_, file_, field_, text_;
  std::optional<std::uint64_t> offset_, line_;
  Kind kind_;
};

// The text with control characters (and what is not UTF-8) shown as \xNN, cut at `limit` bytes:
// what comes out of a hostile file must not steer a terminal.
std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace bantam::base
