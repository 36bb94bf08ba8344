#include "serve/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "base/error.h"

namespace bantam::serve {

namespace {

// How soon a wish to stop is noticed: signals may come to any thread.
constexpr int kTick = 100;  // ms

Descriptor checked_listener(const ServerOptions& options) {
  if (options.keys.empty() && !is_loopback(options.host))
    throw Error(
        "other machines could ask there without a key: give --api-key-file FILE, or leave "
        "--host out",
        Error::Kind::usage)
        .field("--host " + printable(options.host));
  return listen_on(options.host, options.port);
}

}  // namespace

struct Server::Connection {
  Connection(Descriptor descriptor, Common& common)
      : socket(std::move(descriptor), common.closing, common.service.limits),
        thread([this, &common] {
          serve_connection(common, socket);
          // The client must see the end now, not when the thread is joined.
          socket.cut();
          done = true;
        }) {}
  ~Connection() { thread.join(); }

  Socket socket;
  std::atomic<bool> done = false;
  std::thread thread;  // the last: it uses the others
};

Server::Server(Service& service, ServerOptions options)
    : common_{service, options.keys, options.host, options.log},
      listener_(checked_listener(options)),
      port_(port_of(listener_)) {}

Server::~Server() {
  for (const Connection& connection : connections_) connection.socket.cut();
}

void Server::run(const std::function<bool()>& stop) {
  while (!stop()) {
    pollfd waiting{listener_.number(), POLLIN, 0};
    const int ready = poll(&waiting, 1, kTick);
    reap();
    if (ready <= 0) continue;
    Descriptor client(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client.number() >= 0)
      take_in(std::move(client));
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      std::this_thread::sleep_for(std::chrono::milliseconds(kTick));
  }
  drain();
}

void Server::take_in(Descriptor descriptor) {
  try {
    // A client that has its answer may come again before the thread that gave it is idle.
    bool room = false;
    for (int tries = 0; !room && tries < 10; ++tries) {
      if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      reap();
      room = connections_.size() < common_.service.limits.connections || make_room();
    }
    if (room) {
      connections_.emplace_back(std::move(descriptor), common_);
      return;
    }
    const Refusal full(503, "the server has as many connections as it takes");
    Socket(std::move(descriptor), common_.closing, common_.service.limits)
        .write(response_text(response_to(full), false));
  } catch (const std::exception&) {
    // No memory, no thread: this client sees the connection end.
  }
}

// Ends the connection that has been idle for longest, as nginx does: a client that still wants one
// opens it anew, and nobody keeps others out by holding many. False: none is idle.
bool Server::make_room() {
  auto longest = connections_.end();
  std::int64_t since = INT64_MAX;
  for (auto c = connections_.begin(); c != connections_.end(); ++c)
    if (const auto idle = c->socket.idle_since(); idle && *idle < since) {
      longest = c;
      since = *idle;
    }
  if (longest == connections_.end()) return false;
  longest->socket.cut();
  connections_.erase(longest);
  return true;
}

void Server::reap() {
  connections_.remove_if([](const Connection& connection) { return connection.done.load(); });
}

void Server::drain() {
  listener_ = Descriptor();
  common_.draining = true;
  common_.closing.ring();
  const auto end = std::chrono::steady_clock::now() + common_.service.limits.drain;
  while (!connections_.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kTick / 10));
    reap();
  }
  for (const Connection& connection : connections_) connection.socket.cut();
  connections_.clear();
}

}  // namespace bantam::serve
