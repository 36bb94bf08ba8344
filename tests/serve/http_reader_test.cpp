// Requests out of bytes, however the bytes come.
#include "serve/http_reader.h"

#include <gtest/gtest.h>

#include "serve/byte_text.h"

namespace bantam {
namespace {

using serve::Limits;
using serve::Refusal;
using serve::Request;

// Each request on a line; what it ended with.
std::string read_all(std::string_view bytes, std::size_t piece, const Limits& limits) {
  test::ByteText source(bytes, piece);
  serve::HttpReader reader(source, limits);
  std::string out;
  try {
    for (auto r = reader.head(); r && reader.read_body(*r); r = reader.head())
      out += r->method + " " + r->path + " " + r->host + " " + r->content_type + " " +
             (r->keep_alive ? "keep" : "close") + " {" + r->body + "}\n";
    return out + "end";
  } catch (const Refusal& refusal) {
    return out + std::to_string(refusal.status());
  }
}

TEST(HttpReader, GivesTheSameRequestsHoweverTheBytesCome) {
  Limits limits;
  limits.head = 200;
  limits.body = 50;
  const std::pair<std::string, const char*> cases[] = {
      {"", "end"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / a  keep {}\nend"},
      {"GET /x?y=1 HTTP/1.0\r\nHost:  a:1 \r\n\r\n", "GET /x a:1  close {}\nend"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: t\r\nContent-Length: 3\r\n\r\nabcGET / "
       "HTTP/1.1\r\n"
       "Host: b\r\nConnection: close\r\n\r\n",
       "POST / a t keep {abc}\nGET / b  close {}\nend"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
       "chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: z\r\n\r\n"
       "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
       "POST / a  keep {abc}\nGET / b  keep {}\nend"},
      // RFC 9112, 3.2.2: a whole address, whose host counts.
      {"GET http://a:1/x?y=1 HTTP/1.1\r\nHost: b\r\n\r\n", "GET /x a:1  keep {}\nend"},
      {"GET HTTPS://[::1]/x//y HTTP/1.1\r\nHost: b\r\n\r\n", "GET /x//y [::1]  keep {}\nend"},
      {"GET http://a HTTP/1.1\r\nHost: b\r\n\r\n", "GET / a  keep {}\nend"},
      {"GET http://a?/x HTTP/1.0\r\n\r\n", "GET / a  close {}\nend"},
      {"GET http://a/x HTTP/1.1\r\n\r\n", "400"},
      {"GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n", "400"},
      {"GET http://:80/x HTTP/1.1\r\nHost: b\r\n\r\n", "400"},
      {"GET http://u@a/x HTTP/1.1\r\nHost: b\r\n\r\n", "400"},
      {"GET ftp://a/x HTTP/1.1\r\nHost: b\r\n\r\n", "400"},
      {"GET a:80 HTTP/1.1\r\nHost: b\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", "end"},  // went away
      {"GET / HTTP/1.1\r\nHost: a\r\nX", "end"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 51\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n" +
           std::string(50, 'a') + "\r\n1\r\nb\r\n",
       "413"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
           std::string(20'000, 'x'),
       "431"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: " +
           std::string(20'000, 'x'),
       "431"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x'), "431"},
      {"GET / HTTP/1.1\r\nHost: a\r\n" +
           [] {
             std::string many;
             for (int i = 0; i < 3000; ++i) many += "X: y\r\n";
             return many;
           }(),
       "431"},
      {"GET " + std::string(20'000, '/'), "431"},
      {"\r\n\r\n", "400"},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
  };
  for (const auto& [bytes, expected] : cases)
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{7}, std::size_t{64}, bytes.size() + 1})
      EXPECT_EQ(read_all(bytes, piece, limits), expected) << bytes.substr(0, 80) << " by " << piece;
}

}  // namespace
}  // namespace bantam
