// Requests out of the bytes of a connection, under limits. Boost.Beast parses; no socket is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "serve/http.h"
#include "serve/limits.h"

namespace bantam::serve {

// Where the bytes come from.
class ByteSource {
 public:
  // What is read next: each has its own time.
  enum class Phase : std::uint8_t { idle, head, body };
  virtual ~ByteSource() = default;
  virtual void enter(Phase phase) = 0;
  // 1 to `most` bytes; 0: no more come. Throws Refusal (408) when the time of a head or body is
  // over.
  virtual std::size_t read(char* to, std::size_t most) = 0;
  // The client waits for "100 Continue" before it sends the body.
  virtual void say_continue() = 0;
};

class HttpReader {
 public:
  HttpReader(ByteSource& source, const Limits& limits) : source_(source), limits_(limits) {}

  // The next request; none: the client has no more, or went away in the middle of one. Throws
  // Refusal, after which nothing more can be read.
  std::optional<Request> next();

 private:
  template <class Parser>
  bool read_until(Parser& parser, bool (*done)(const Parser&), std::size_t most);
  bool fill();

  ByteSource& source_;
  const Limits& limits_;
  std::string pending_;  // read, but not parsed
};

}  // namespace bantam::serve
