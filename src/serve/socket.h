// Sockets that never block without end: every wait has a time, and ends when the server does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rooms.h"
#include "serve/http_reader.h"
#include "serve/limits.h"

namespace bantam::serve {

// A file descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  int number() const { return number_; }

 private:
  int number_;
};

// A bell (eventfd) that one thread rings and another one waits for beside its socket.
class Bell {
 public:
  Bell();
  void ring() const noexcept;
  void clear() const noexcept;
  int number() const { return descriptor_.number(); }

 private:
  Descriptor descriptor_;
};

// Listens on `host` (a name or an address) and `port` (0: any free one). Throws Error.
Descriptor listen_on(const std::string& host, int port);
int port_of(const Descriptor& listener);
// The address is one that no other machine reaches. Throws Error when the host is not known.
bool is_loopback(const std::string& host);

// One client.
class Socket : public ByteSource {
 public:
  // `closing` is rung when the server ends: then no request is awaited any more.
  Socket(Descriptor descriptor, const Bell& closing, const Limits& limits);

  void enter(Phase phase) override;
  std::size_t read(char* to, std::size_t most) override;
  void say_continue() override;

  // False: the client is gone, or took nothing for Limits::write_time.
  bool write(std::string_view bytes);
  // Waits until the bell rings (true), or the client is gone. A client that has closed its side
  // counts as gone, as it does for llama.cpp's server (cpp-httplib, is_socket_alive) and nginx.
  bool wait(const Bell& bell);
  // Says that no more comes, and takes what the client still sends for a moment: closing before it
  // has read the response could destroy it on its way.
  void finish();

  // For other threads. Since when no request is under way, counted in the ticks of a steady clock;
  // none: one is.
  std::optional<std::int64_t> idle_since() const;
  // Ends it.
  void cut() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  Descriptor descriptor_;
  const Bell& closing_;
  const Limits& limits_;
  Phase phase_ = Phase::idle;
  Clock::time_point deadline_;
  std::atomic<std::int64_t> idle_since_;  // negative: busy
};

}  // namespace bantam::serve
