#include "serve/http.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace bantam::serve {

namespace {

std::string_view reason(int status) {
  constexpr std::pair<int, std::string_view> kReasons[] = {
      {200, "OK"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
  };
  for (const auto& [known, text] : kReasons)
    if (known == status) return text;
  return "Error";
}

// "Wed, 25 Nov 2026 10:00:00 GMT" (RFC 9110, 5.6.7), whatever the locale.
std::string date_text(std::time_t time) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  gmtime_r(&time, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday,
                     kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string head(int status, std::string_view content_type, bool keep_alive) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(reason(status)).append("\r\nContent-Type: ").append(content_type);
  text += "\r\nDate: " + date_text(std::time(nullptr));
  // No caching: an answer is a person's own text.
  text += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: ";
  return text.append(keep_alive ? "keep-alive\r\n" : "close\r\n");
}

}  // namespace

Response response_to(const Refusal& refusal) {
  return {refusal.status(),
          error_json(refusal.status(), refusal.what(), refusal.field(), refusal.code()),
          refusal.headers()};
}

std::string response_text(const Response& response, bool keep_alive, bool head_only) {
  std::string text = head(response.status, response.content_type, keep_alive);
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
  return head_only ? text : text + response.body;
}

std::string stream_head(std::string_view content_type, bool keep_alive, bool chunks) {
  std::string text = head(200, content_type, keep_alive && chunks);
  return text.append(chunks ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

std::string stream_piece(std::string_view bytes, bool chunks) {
  if (!chunks || bytes.empty()) return std::string(bytes);
  char size[24];
  const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
  return std::string(size, end).append("\r\n").append(bytes).append("\r\n");
}

std::string_view stream_end(bool chunks) { return chunks ? "0\r\n\r\n" : ""; }

std::string event_text(std::string_view data) {
  return std::string("data: ").append(data).append("\n\n");
}

}  // namespace bantam::serve
