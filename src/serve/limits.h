// What one client may cost the server: sizes, numbers, times.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/json.h"

namespace bantam::serve {

struct Limits {
  std::size_t head = std::size_t{16} << 10;  // bytes of request line and headers
  std::size_t body = std::size_t{4} << 20;   // bytes
  int depth = 32;                            // of nested JSON
  std::uint64_t values = 300'000;            // in the JSON of one request
  std::size_t connections = 128;             // at once

  using Time = std::chrono::milliseconds;
  Time idle = std::chrono::seconds(60);  // of a connection between two requests
  Time head_time = std::chrono::seconds(10);
  Time body_time = std::chrono::seconds(30);
  Time write_time = std::chrono::seconds(30);  // in which the client takes nothing
  Time linger = std::chrono::seconds(2);       // for a client that still sends what is refused
  Time drain = std::chrono::seconds(30);       // for answers in the making when the server ends

  JsonLimits json() const { return {body, depth, values}; }
};

}  // namespace bantam::serve
