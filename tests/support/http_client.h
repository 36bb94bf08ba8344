// A plain HTTP client over a socket: what tests of the server talk with. It sends any bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace bantam::test {

struct Reply {
  int status = 0;                              // 0: the connection ended before
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  Json json() const { return parse_json(body, "the reply"); }
};

class HttpClient {
 public:
  explicit HttpClient(int port) : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A test that would wait for ever fails instead.
    const timeval patience{120, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ =
        connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~HttpClient() { vanish(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool connected() const { return connected_; }
  void vanish() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }
  void half_close() const { shutdown(descriptor_, SHUT_WR); }

  // False: the server takes no more.
  bool send_bytes(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  void post(const std::string& path, const Json& body, const std::string& headers = "") const {
    const std::string text = to_text(body);
    send_bytes("POST " + path +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + headers +
               "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
  }
  void get(const std::string& path, const std::string& headers = "") const {
    send_bytes("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }

  // The head of the next reply alone.
  Reply head() {
    Reply reply;
    const std::string first = line();
    if (!first.starts_with("HTTP/1.1 ")) return reply;
    reply.status = std::stoi(first.substr(9));
    for (std::string text; !(text = line()).empty();) {
      const std::size_t colon = text.find(':');
      std::string name = text.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      // A value may be empty.
      const std::size_t value = colon == std::string::npos ? colon : text.find_first_not_of(' ', colon + 1);
      reply.headers[name] = value == std::string::npos ? "" : text.substr(value);
    }
    return reply;
  }
  Reply reply() {
    Reply reply = head();
    if (reply.headers.contains("content-length")) {
      const auto size = static_cast<std::size_t>(std::stoul(reply.headers["content-length"]));
      while (unread_.size() < size && more()) {
      }
      reply.body = unread_.substr(0, size);
      unread_.erase(0, size);
    } else if (reply.headers["transfer-encoding"] == "chunked") {
      for (std::string part; !(part = chunk()).empty();) reply.body += part;
    } else {
      while (more()) {
      }
      reply.body = std::exchange(unread_, {});
    }
    return reply;
  }
  // The next chunk; empty: the last one, or the connection ended.
  std::string chunk() {
    const std::string size_text = line();
    if (size_text.empty()) return "";
    const std::size_t size = std::stoul(size_text, nullptr, 16);
    while (unread_.size() < size + 2 && more()) {
    }
    std::string data = unread_.substr(0, size);
    unread_.erase(0, size + 2);
    return data;
  }
  // The server has ended the connection, and there is nothing unread.
  bool ended() { return unread_.empty() && !more(); }

 private:
  bool more() {
    char part[16384];
    const ssize_t got = recv(descriptor_, part, sizeof part, 0);
    if (got > 0) unread_.append(part, static_cast<std::size_t>(got));
    return got > 0;
  }
  std::string line() {
    std::size_t end;
    while ((end = unread_.find("\r\n")) == std::string::npos)
      if (!more()) return std::exchange(unread_, {});
    std::string text = unread_.substr(0, end);
    unread_.erase(0, end + 2);
    return text;
  }

  int descriptor_;
  bool connected_ = false;
  std::string unread_;
};

// The data of each event of a stream.
inline std::vector<std::string> events(const std::string& stream) {
  std::vector<std::string> out;
  for (std::size_t at = 0, end; (end = stream.find("\n\n", at)) != std::string::npos;
       at = end + 2) {
    if (stream.compare(at, 6, "data: ") != 0) throw std::runtime_error("an event without data");
    out.push_back(stream.substr(at + 6, end - at - 6));
  }
  return out;
}

// What the parts of a streamed answer say together, chat or completion.
inline std::string streamed_text(const std::string& stream) {
  std::string text;
  for (const std::string& event : events(stream)) {
    if (event == "[DONE]") continue;
    for (const Json& choice : parse_json(event, "an event").value("choices", Json::array())) {
      if (choice.contains("text")) text += choice["text"].get<std::string>();
      if (choice.contains("delta")) text += choice["delta"].value("content", "");
    }
  }
  return text;
}

}  // namespace bantam::test
