// What is done with one client: its requests one after another, each refused or handed to its
// endpoint.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/rooms.h"
#include "serve/access.h"
#include "serve/service.h"
#include "serve/socket.h"

namespace bantam::serve {

struct Route;

// What all connections share.
struct Common {
  Service& service;
  Keys keys;
  std::string host;                                  // what the server listens on
  std::function<void(const std::string&)> log = {};  // takes a line for each request; may be empty
  Bell closing = Bell();                             // rung when the server ends
  std::atomic<bool> draining = false;
};

// Returns when the client has no more, or must have no more. Throws nothing.
void serve_connection(Common& common, Socket& socket) noexcept;

// What stands before every endpoint, and before the body is read: the Host header, the route, the
// key, the type of the body. Throws Refusal.
const Route& check_access(const Common& common, const Request& request);

}  // namespace bantam::serve
