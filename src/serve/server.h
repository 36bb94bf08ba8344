// Takes connections in, each in a thread of its own, until it is told to stop.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/rooms.h"
#include "serve/connection.h"

namespace bantam::serve {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any free one
  Keys keys;        // none: everybody on this machine may ask
  std::function<void(const std::string&)> log;
};

class Server {
 public:
  // Listens from now on. Throws Error: the address cannot be had, or other machines could ask
  // without a key.
  Server(Service& service, ServerOptions options);
  ~Server();

  int port() const { return port_; }

  // Serves until `stop` (asked ten times a second) says so. Then no connection and no request is
  // taken any more; answers in the making have Limits::drain to end.
  void run(const std::function<bool()>& stop);

 private:
  struct Connection;
  void take_in(Descriptor descriptor);
  bool make_room();
  void reap();
  void drain();

  Common common_;
  Descriptor listener_;
  int port_;
  std::list<Connection> connections_;
};

}  // namespace bantam::serve
