// Requests out of the bytes of a connection, under limits. Boost.Beast parses; no socket is needed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/rooms.h"
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

// A request comes in two steps, so that who may not ask need not be listened to.
class HttpReader {
 public:
  HttpReader(ByteSource& source, const Limits& limits);
  ~HttpReader();

  // The next request without its body; none: the client has no more, or went away in the middle.
  // Throws Refusal, after which nothing more can be read. The body of the one before must have been
  // read.
  std::optional<Request> head();
  // False: the client went away. Throws Refusal as head() does.
  bool read_body(Request& request);
  // There is a body that has not been read.
  bool body_is_due() const;

 private:
  struct State;
  bool read_until(bool (*done)(const State&), std::size_t most);
  bool fill();

  ByteSource& source_;
  const Limits& limits_;
  std::unique_ptr<State> state_;
  std::string pending_;  // read, but not parsed
};

}  // namespace bantam::serve
