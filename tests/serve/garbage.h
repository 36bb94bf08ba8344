// Requests that are wrong, by number: the same on every machine.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace bantam::test {

class Garbage {
 public:
  explicit Garbage(std::uint64_t number) : random_(number, 77) {}

  std::string request() {
    std::string bytes = head();
    // Some are cut, some have bytes that are changed, taken out or put in.
    if (chance(8)) bytes.resize(below(bytes.size() + 1));
    for (std::uint64_t i = chance(3) ? below(4) + 1 : 0; i > 0 && !bytes.empty(); --i) {
      const std::size_t at = below(bytes.size());
      if (chance(3))
        bytes.erase(at, below(20) + 1);
      else if (chance(2))
        bytes.insert(at, below(8) + 1, static_cast<char>(below(256)));
      else
        bytes[at] = static_cast<char>(below(256));
    }
    return bytes;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_.below(next_++, bound); }
  bool chance(std::uint64_t of) { return below(of) == 0; }
  template <std::size_t N>
  std::string_view one_of(const std::string_view (&list)[N]) {
    return list[below(N)];
  }

  std::string head() {
    static constexpr std::string_view kMethods[] = {"POST", "POST",    "POST", "GET", "PUT",
                                                    "HEAD", "OPTIONS", "X",    ""};
    static constexpr std::string_view kPaths[] = {"/v1/chat/completions",
                                                  "/v1/chat/completions",
                                                  "/v1/completions",
                                                  "/v1/completions",
                                                  "/v1/models",
                                                  "/",
                                                  "*",
                                                  "/v1/%2e%2e",
                                                  "http://a/b",
                                                  "/health?x"};
    static constexpr std::string_view kHosts[] = {"Host: localhost\r\n",   "Host: localhost\r\n",
                                                  "Host: localhost\r\n",   "Host: 127.0.0.1:1\r\n",
                                                  "Host: evil.com\r\n",    "",
                                                  "Host: a\r\nHost: b\r\n"};
    static constexpr std::string_view kTypes[] = {"application/json", "application/json",
                                                  "application/json", "text/plain", ""};
    const std::string content = body();
    std::string text(one_of(kMethods));
    text.append(" ")
        .append(one_of(kPaths))
        .append(chance(20) ? " HTTP/1.7" : " HTTP/1.1")
        .append("\r\n");
    text.append(one_of(kHosts)).append("Content-Type: ").append(one_of(kTypes)).append("\r\n");
    for (std::uint64_t i = chance(10) ? below(600) : below(3); i > 0; --i)
      text += "X-" + std::to_string(below(1000)) + ": " + std::string(below(100), 'v') + "\r\n";
    if (chance(6)) {
      text += "Transfer-Encoding: chunked\r\n\r\n";
      for (std::size_t at = 0; at < content.size();) {
        const std::size_t count = std::min<std::size_t>(below(40) + 1, content.size() - at);
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", count + (chance(50) ? 1 : 0));
        text += size + content.substr(at, count) + "\r\n";
        at += count;
      }
      return text + (chance(8) ? "" : "0\r\n\r\n");
    }
    static constexpr std::string_view kLengths[] = {"-1",  "99999999", "18446744073709551616",
                                                    "0x5", "1, 2",     ""};
    const std::string length =
        chance(8) ? std::string(one_of(kLengths)) : std::to_string(content.size());
    return text + "Content-Length: " + length + "\r\n\r\n" + content;
  }

  std::string body() {
    if (chance(10)) return std::string(below(200), static_cast<char>(below(256)));
    if (chance(10)) return std::string(below(2000), chance(2) ? '[' : '{');
    std::string text = "{\"messages\":" + value(0) + ",\"prompt\":" + value(0);
    static constexpr std::string_view kNames[] = {
        "temperature",     "top_p",          "seed",     "max_tokens", "stop",
        "stream",          "stream_options", "n",        "logit_bias", "tools",
        "response_format", "logprobs",       "messages", "x"};
    for (std::uint64_t i = below(5); i > 0; --i)
      text.append(",\"").append(one_of(kNames)).append("\":").append(value(0));
    return text + "}";
  }

  std::string value(int depth) {
    static constexpr std::string_view kValues[] = {"null",
                                                   "true",
                                                   "-1",
                                                   "0",
                                                   "1e400",
                                                   "1e-7",
                                                   "123456789012345678901234567890",
                                                   "\"\"",
                                                   "\"text\"",
                                                   "\"\\ud800\"",
                                                   "\"\\u0000\"",
                                                   "[]",
                                                   "{}",
                                                   "NaN",
                                                   "'a'",
                                                   "\"\xff\""};
    if (depth > 40 || !chance(3)) return std::string(one_of(kValues));
    switch (below(4)) {
      case 0:
        return "[" + value(depth + 1) + "," + value(depth + 1) + "]";
      case 1:
        return "[{\"role\":" + value(depth + 1) + ",\"content\":" + value(depth + 1) + "}]";
      case 2:
        return "{\"" + std::to_string(below(300)) + "\":" + value(depth + 1) + "}";
      default:
        return "[[[[[[[[" + value(depth + 1) + "]]]]]]]]";
    }
  }

  Random random_;
  std::uint64_t next_ = 0;
};

inline std::string garbage(std::uint64_t number) { return Garbage(number).request(); }

}  // namespace bantam::test
