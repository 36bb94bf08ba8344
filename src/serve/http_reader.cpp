#include "serve/http_reader.h"

#include <algorithm>

// Beast's own checks must not end the program: what trips one is refused like other nonsense. (In
// 1.74 "0\r\n\r" as the first bytes of a body in chunks does.)
#define BOOST_ENABLE_ASSERT_HANDLER
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/error.h"

namespace boost {

void assertion_failed(char const*, char const*, char const*, long) {
  throw bantam::serve::Refusal(400, "the request is not HTTP that can be read");
}
void assertion_failed_msg(char const* a, char const*, char const* b, char const* c, long line) {
  assertion_failed(a, b, c, line);
}

}  // namespace boost

namespace bantam::serve {

namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kRead = 16384;

Refusal refusal_for_fault(const boost::beast::error_code& fault, const Limits& limits) {
  if (fault == http::error::header_limit)
    return Refusal(431, "the headers are longer than " + std::to_string(limits.head) + " bytes");
  if (fault == http::error::body_limit)
    return Refusal(413, "the body is longer than " + std::to_string(limits.body) + " bytes");
  return Refusal(400, "the request is not HTTP that can be read: " + fault.message());
}

std::string as_string(boost::beast::string_view view) { return {view.data(), view.size()}; }

// The host of an absolute-form target ("http://localhost:8080/health"), which goes from `target` with
// all before it; what stands in a Host header does not count then (RFC 9112, 3.2.2). Nullopt: another
// form.
std::optional<std::string> take_host(boost::beast::string_view& target) {
  for (const boost::beast::string_view scheme : {"http://", "https://"}) {
    if (!boost::beast::iequals(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    const std::string host = as_string(target.substr(0, end));
    // RFC 9110, 4.2.1 and 4.2.4: no host, or a name and password before it, make no such address.
    if (host.empty() || host.front() == ':' || host.find('@') != std::string::npos)
      throw Refusal(400, "the target of the request names no host, or more than a host");
    target.remove_prefix(end);
    return host;
  }
  return std::nullopt;
}

// The path of what is left: an origin-form target (RFC 9112, 3.2.1).
std::string path_of(boost::beast::string_view target) {
  std::string path = as_string(target.substr(0, target.find('?')));
  if (path.empty() || path.front() != '/')
    throw Refusal(400, "a path that begins with / was expected as the target of the request");
  return path;
}

void take_head(const Parser& parser, Request& request) {
  const auto& message = parser.get();
  request.method = as_string(message.method_string());
  boost::beast::string_view target = message.target();
  const std::optional<std::string> host = take_host(target);
  request.absolute = host.has_value();
  request.path = host && (target.empty() || target.front() == '?') ? "/" : path_of(target);
  // RFC 9112, 3.2: none, or several, is a 400; HTTP/1.0 knows none.
  const std::size_t hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11))
    throw Refusal(400, "one Host header was expected");
  request.host = host ? *host : as_string(message[http::field::host]);
  request.authorization = as_string(message[http::field::authorization]);
  request.content_type = as_string(message[http::field::content_type]);
  request.content_encoding = as_string(message[http::field::content_encoding]);
  request.keep_alive = parser.keep_alive();
  request.chunks = message.version() >= 11;
}

}  // namespace

// One parser a request.
struct HttpReader::State {
  explicit State(const Limits& limits) {
    parser.header_limit(static_cast<std::uint32_t>(limits.head));
    parser.body_limit(limits.body);
  }
  Parser parser;
};

HttpReader::HttpReader(ByteSource& source, const Limits& limits)
    : source_(source), limits_(limits) {}
HttpReader::~HttpReader() = default;

bool HttpReader::fill() {
  const std::size_t before = pending_.size();
  pending_.resize(before + kRead);
  const std::size_t got = source_.read(pending_.data() + before, kRead);
  pending_.resize(before + got);
  return got > 0;
}

// False: the bytes have ended before. `most`: bytes that the parser may use. Its own limit is held
// (Beast 1.74) against what is left of a head after each put, so it does not bound the whole.
bool HttpReader::read_until(bool (*done)(const State&), std::size_t most) {
  bool more = pending_.empty();
  for (std::size_t used = 0; !done(*state_);) {
    if (more && !fill()) return false;
    boost::beast::error_code fault;
    const std::size_t put = state_->parser.put(boost::asio::buffer(pending_), fault);
    pending_.erase(0, put);
    used += put;
    if (fault && fault != http::error::need_more) throw refusal_for_fault(fault, limits_);
    more = fault == http::error::need_more || pending_.empty();
    // What it takes in one piece only (a field, the head of a chunk) waits here until it is whole.
    if (used > most || (more && pending_.size() > limits_.head))
      throw refusal_for_fault(http::error::header_limit, limits_);
  }
  return true;
}

std::optional<Request> HttpReader::head() {
  state_.reset();
  source_.enter(ByteSource::Phase::idle);
  if (pending_.empty() && !fill()) return std::nullopt;
  source_.enter(ByteSource::Phase::head);
  state_ = std::make_unique<State>(limits_);
  if (!read_until([](const State& s) { return s.parser.is_header_done(); }, limits_.head))
    return std::nullopt;
  Request request;
  take_head(state_->parser, request);
  return request;
}

bool HttpReader::body_is_due() const { return state_ && !state_->parser.is_done(); }

bool HttpReader::read_body(Request& request) {
  if (!body_is_due()) return true;
  Parser& parser = state_->parser;
  source_.enter(ByteSource::Phase::body);
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue"))
    source_.say_continue();
  parser.eager(true);
  if (!read_until([](const State& s) { return s.parser.is_done(); }, SIZE_MAX)) return false;
  request.body = std::move(parser.get().body());
  return true;
}

}  // namespace bantam::serve
