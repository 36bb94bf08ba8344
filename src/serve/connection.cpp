#include "serve/connection.h"

#include <fmt/format.h>

#include "base/error.h"
#include "serve/routes.h"

namespace bantam::serve {

namespace {

using Clock = std::chrono::steady_clock;

// Nothing of what was asked or answered, not even a path that is none of ours.
void log_line(const Common& common, const Request& request, const Exchange& exchange,
              Clock::time_point start) {
  if (!common.log) return;
  std::string_view path = "(no such path)";
  for (const Route& route : routes())
    if (leads_to(route, request.path)) path = route.path;
  std::string tokens;
  if (exchange.prompt_tokens > 0)
    tokens = fmt::format(", {}+{} tokens", exchange.prompt_tokens, exchange.answer_tokens);
  common.log(fmt::format("{} {}: {}{}{}, {:.3f} s", printable(request.method, 10), path,
                         exchange.status(), tokens, exchange.gone() ? ", client gone" : "",
                         std::chrono::duration<double>(Clock::now() - start).count()));
}

void refuse(Exchange& exchange, const Refusal& refusal) {
  if (!exchange.begun()) return exchange.respond(response_to(refusal));
  // In the middle of a stream: an event that clients take for an error, then the end.
  exchange.give_up();
  exchange.event(error_json(refusal.status(), refusal.what(), "", refusal.code()));
  exchange.end_events();
}

// False: the client went away before it had said all.
bool answer(Common& common, HttpReader& reader, Request& request, Exchange& exchange) {
  try {
    const Route& route = check_access(common, request);
    if (!reader.read_body(request)) return false;
    route.handle(common.service, exchange);
  } catch (const std::exception& error) {
    // A body that nobody reads would be taken for the next request.
    if (reader.body_is_due()) exchange.give_up();
    refuse(exchange, refusal_for(error));
  }
  return true;
}

void serve_requests(Common& common, Socket& socket) {
  HttpReader reader(socket, common.service.limits);
  const auto bell = std::make_shared<const Bell>();
  for (;;) {
    std::optional<Request> request;
    try {
      request = reader.head();
    } catch (const Refusal& refusal) {
      socket.write(response_text(response_to(refusal), false));
      return socket.finish();
    }
    if (!request) return;
    const auto start = Clock::now();
    Exchange exchange(*request, socket, bell, request->keep_alive && !common.draining);
    if (!answer(common, reader, *request, exchange)) return;
    log_line(common, *request, exchange, start);
    if (exchange.gone()) return;
    if (!exchange.goes_on()) return socket.finish();
  }
}

}  // namespace

const Route& check_access(const Common& common, const Request& request) {
  // A page that has its own name point here (DNS rebinding) has no key: names count without one.
  const bool named = request.chunks || !request.host.empty();  // HTTP/1.0 need not name us
  if (common.keys.empty() && named && !host_allowed(request.host, common.host))
    throw request.absolute
        ? Refusal(400, "a path that begins with /, or an address of this server, was expected as the "
                       "target of the request")
        : Refusal(403, "the Host header names another server than this");
  const Route& route = find_route(request.method, request.path);
  if (!named && !route.open) throw Refusal(400, "one Host header was expected");
  if (!route.open && !common.keys.empty() && !common.keys.allow(request.authorization))
    throw Refusal(401,
                  "a header \"Authorization: Bearer KEY\" with a key of this server was expected",
                  "", "invalid_api_key")
        .header("WWW-Authenticate", "Bearer");
  if (route.method == "POST") require_json(request);
  return route;
}

void serve_connection(Common& common, Socket& socket) noexcept {
  try {
    serve_requests(common, socket);
  } catch (const std::exception&) {
    // No memory even to say so: the client sees the connection end.
  }
}

}  // namespace bantam::serve
