#include "serve/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"

namespace bantam::serve {

namespace {

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

Addresses look_up(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int fault = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (fault != 0)
    throw Error("an address of this machine was expected: " + std::string(gai_strerror(fault)))
        .field(printable(host));
  return {found, freeaddrinfo};
}

Error system_fault(const std::string& what) { return Error(what + ": " + std::strerror(errno)); }

// Milliseconds for poll, rounded up so that it does not spin at the end; 0: the time is over.
int time_left(std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30));
}

// poll that goes on after signals. False: the time is over.
template <std::size_t N>
bool poll_until(std::array<pollfd, N>& waiting, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const int ready = poll(waiting.data(), N, time_left(deadline));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw system_fault("waiting for a connection failed");
  }
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Bell::Bell() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_.number() < 0) throw system_fault("an event descriptor could not be had");
}

void Bell::ring() const noexcept {
  const std::uint64_t one = 1;
  // It fails only where it has been rung 2^64 - 1 times and nobody listened.
  [[maybe_unused]] const ssize_t written = ::write(number(), &one, sizeof one);
}

void Bell::clear() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(number(), &count, sizeof count);
}

Descriptor listen_on(const std::string& host, int port) {
  const Addresses addresses = look_up(host, port);
  std::string why;
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    Descriptor listener(
        socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol));
    const int on = 1;
    if (listener.number() >= 0 &&
        setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(listener.number(), a->ai_addr, a->ai_addrlen) == 0 &&
        listen(listener.number(), 128) == 0)
      return listener;
    why = std::strerror(errno);
  }
  throw Error("cannot listen on " + printable(host) + ", port " + std::to_string(port) + ": " +
              why + "; --port N takes another one");
}

int port_of(const Descriptor& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw system_fault("the port could not be asked for");
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

bool is_loopback(const std::string& host) {
  const Addresses addresses = look_up(host, 0);
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    if (a->ai_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(a->ai_addr);
      if (ntohl(in->sin_addr.s_addr) >> 24 != 127) return false;
    } else if (a->ai_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(a->ai_addr);
      if (!IN6_IS_ADDR_LOOPBACK(&in->sin6_addr)) return false;
    } else {
      return false;
    }
  }
  return true;
}

Socket::Socket(Descriptor descriptor, const Bell& closing, const Limits& limits)
    : descriptor_(std::move(descriptor)), closing_(closing), limits_(limits) {
  enter(Phase::idle);
  // Pieces of an answer are small, and each is to be seen at once.
  const int on = 1;
  setsockopt(descriptor_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Socket::enter(Phase phase) {
  phase_ = phase;
  idle_since_ = phase == Phase::idle ? Clock::now().time_since_epoch().count() : -1;
  deadline_ = Clock::now() + (phase == Phase::idle   ? limits_.idle
                              : phase == Phase::head ? limits_.head_time
                                                     : limits_.body_time);
}

std::size_t Socket::read(char* to, std::size_t most) {
  for (;;) {
    std::array<pollfd, 2> waiting{{{descriptor_.number(), POLLIN, 0},
                                   {phase_ == Phase::idle ? closing_.number() : -1, POLLIN, 0}}};
    if (!poll_until(waiting, deadline_)) {
      if (phase_ == Phase::idle) return 0;
      throw Refusal(408, "the request did not come in time");
    }
    if (waiting[0].revents == 0) return 0;  // the server ends
    const ssize_t got = recv(descriptor_.number(), to, most, MSG_DONTWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return 0;
  }
}

void Socket::say_continue() { write("HTTP/1.1 100 Continue\r\n\r\n"); }

bool Socket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put =
        send(descriptor_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      std::array<pollfd, 1> waiting{{{descriptor_.number(), POLLOUT, 0}}};
      if (!poll_until(waiting, Clock::now() + limits_.write_time)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool Socket::wait(const Bell& bell) {
  std::array<pollfd, 2> waiting{{{descriptor_.number(), POLLRDHUP, 0}, {bell.number(), POLLIN, 0}}};
  poll_until(waiting, Clock::now() + std::chrono::hours(24));
  if (waiting[0].revents != 0) return false;
  bell.clear();
  return true;
}

void Socket::finish() {
  shutdown(descriptor_.number(), SHUT_WR);
  const auto end = Clock::now() + limits_.linger;
  std::array<char, 16384> part;
  for (;;) {
    std::array<pollfd, 1> waiting{{{descriptor_.number(), POLLIN, 0}}};
    if (!poll_until(waiting, end)) return;
    const ssize_t got = recv(descriptor_.number(), part.data(), part.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return;
  }
}

std::optional<std::int64_t> Socket::idle_since() const {
  const std::int64_t since = idle_since_;
  return since < 0 ? std::nullopt : std::optional(since);
}

void Socket::cut() const noexcept { shutdown(descriptor_.number(), SHUT_RDWR); }

}  // namespace bantam::serve
