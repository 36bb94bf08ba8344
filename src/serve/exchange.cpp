#include "serve/exchange.h"

namespace bantam::serve {

bool Exchange::write(std::string_view bytes) {
  if (!gone_ && !socket_.write(bytes)) gone_ = true;
  return !gone_;
}

void Exchange::respond(const Response& response) {
  status_ = response.status;
  write(response_text(response, keep_alive_, request_.method == "HEAD"));
}

bool Exchange::begin_events() {
  status_ = 200;
  keep_alive_ = keep_alive_ && request_.chunks;
  return write(stream_head("text/event-stream; charset=utf-8", keep_alive_, request_.chunks));
}

bool Exchange::event(std::string_view data) {
  return write(stream_piece(event_text(data), request_.chunks));
}

bool Exchange::end_events() { return write(stream_end(request_.chunks)); }

bool Exchange::wait() {
  if (!gone_ && !socket_.wait(*bell_)) gone_ = true;
  return !gone_;
}

}  // namespace bantam::serve
