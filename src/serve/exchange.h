// One request and its answer on a connection, as the endpoints see it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/rooms.h"
#include "serve/http.h"
#include "serve/socket.h"

namespace bantam::serve {

class Exchange {
 public:
  // `keep_alive`: the connection would go on.
  Exchange(const Request& request, Socket& socket, std::shared_ptr<const Bell> bell,
           bool keep_alive)
      : request_(request), socket_(socket), bell_(std::move(bell)), keep_alive_(keep_alive) {}

  const Request& request() const { return request_; }

  // The whole answer.
  void respond(const Response& response);

  // Or a stream of events. Each says false once the client is gone.
  bool begin_events();
  bool event(std::string_view data);
  bool end_events();
  bool begun() const { return status_ != 0; }

  // Whoever has news rings this bell, even if the exchange has ended by then.
  std::shared_ptr<const Bell> bell() const { return bell_; }
  // Waits until the bell rings: true. False: the client is gone.
  bool wait();

  // For the log.
  int status() const { return status_; }  // 0: nothing was answered
  std::int64_t prompt_tokens = 0, answer_tokens = 0;

  // The connection can take another request.
  bool goes_on() const { return keep_alive_ && !gone_; }
  bool gone() const { return gone_; }
  // After a fault no other request may follow.
  void give_up() { keep_alive_ = false; }

 private:
  bool write(std::string_view bytes);

  const Request& request_;
  Socket& socket_;
  std::shared_ptr<const Bell> bell_;
  bool keep_alive_, gone_ = false;
  int status_ = 0;
};

}  // namespace bantam::serve
