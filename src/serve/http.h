// A request and a response, as much of HTTP/1.1 (RFC 9112) as the server has use for.
#pragma once

#include <string>
#include <string_view>

#include "base/rooms.h"
#include "serve/refusal.h"

namespace bantam::serve {

struct Request {
  std::string method, path;  // the path without its query
  bool absolute = false;     // the target was a whole address, whose host is `host`
  std::string host, authorization, content_type, content_encoding;
  bool keep_alive = false;  // the client would send another one on this connection
  bool chunks = true;       // it understands a body in chunks (HTTP/1.1)
  std::string body;
};

struct Response {
  int status = 200;
  std::string body;
  Headers headers = {};
  std::string_view content_type = "application/json";
};

Response response_to(const Refusal& refusal);

// The bytes of a whole response; `head_only`: without the body (HEAD).
std::string response_text(const Response& response, bool keep_alive, bool head_only = false);

// A response whose body comes bit by bit: the head; each piece; the end. Without chunks the end of
// the connection is the end of the body.
std::string stream_head(std::string_view content_type, bool keep_alive, bool chunks);
std::string stream_piece(std::string_view bytes, bool chunks);
std::string_view stream_end(bool chunks);

// One event of a text/event-stream (WHATWG HTML, 9.2) whose data is one line of text.
std::string event_text(std::string_view data);

}  // namespace bantam::serve
