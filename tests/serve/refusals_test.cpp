// Every way to be refused over a connection: the bytes, and the status and text that come back.
#include <gtest/gtest.h>

#include "serve/test_server.h"

namespace bantam {
namespace {

using test::HttpClient;
using test::Reply;
using test::TestServer;

std::string post(const std::string& body, const std::string& headers = "Host: localhost\r\n",
                 const std::string& type = "application/json",
                 const std::string& path = "/v1/completions") {
  return "POST " + path + " HTTP/1.1\r\n" + headers + "Content-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path, const std::string& headers = "Host: localhost\r\n") {
  return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}

struct Case {
  const char* name;
  std::string bytes;
  int status;
  const char* says;         // in the message
  const char* header = "";  // "name: value" that is there
};

const std::string kGood = R"({"prompt":"the","max_tokens":2})";

const Case kCases[] = {
    {"what is served", post(kGood), 200, ""},
    {"a type with a charset",
     post(kGood, "Host: 127.0.0.1:8080\r\n", "Application/JSON ; charset=utf-8"), 200, ""},
    {"HTTP/1.0", "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n", 200, "", "connection: close"},
    {"HEAD", "HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200, "",
     "connection: close"},
    {"a body in chunks",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
     "Transfer-Encoding: chunked\r\n\r\n1f\r\n" +
         kGood + "\r\n0\r\n\r\n",
     200, ""},
    {"not HTTP", "hello\r\n\r\n", 400, "not HTTP"},
    {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400,
     "not HTTP"},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "not HTTP"},
    {"two lengths",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: "
     "2\r\n\r\n{}",
     400, "not HTTP"},
    {"a length and chunks",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n",
     400, "not HTTP"},
    {"a negative length",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400,
     "not HTTP"},
    {"a chunk without a size",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
     "application/json\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
     400, "not HTTP"},
    {"the address of another", get("http://example.com/v1/models"), 400, "begins with /"},
    {"this server's whole address", get("http://localhost:8080/health", "Host: example.com\r\n"), 200, ""},
    {"a number that no field takes", post(R"({"prompt":"the","user":1e999})"), 400,
     "the number 1e999 is too large"},
    {"a model that is no name", post(R"({"prompt":"the","model":5})"), 400, "a string was expected"},
    {"no host", get("/health", ""), 400, "one Host header"},
    {"two hosts", get("/health", "Host: localhost\r\nHost: localhost\r\n"), 400, "one Host header"},
    {"a name of another", get("/health", "Host: example.com\r\n"), 403, "another server"},
    {"a name that begins alike", get("/health", "Host: localhost.example.com:8080\r\n"), 403,
     "another server"},
    {"an unknown path", get("/v2/models"), 404, "/v1/models"},
    {"a path that leaves", get("/v1/../../etc/passwd"), 404, "no such path"},
    {"a wrong method", get("/v1/completions"), 405, "takes POST", "allow: POST"},
    {"asking for other sites", "OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 405,
     "takes GET", "allow: GET, HEAD"},
    {"an unknown method", "BREW /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "takes GET"},
    {"another type", post(kGood, "Host: localhost\r\n", "text/plain"), 415, "application/json"},
    {"a form", post(kGood, "Host: localhost\r\n", "application/x-www-form-urlencoded"), 415,
     "application/json"},
    {"packed", post(kGood, "Host: localhost\r\nContent-Encoding: gzip\r\n"), 415,
     "Content-Encoding"},
    {"a long body",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
     "application/json\r\nContent-Length: 5000\r\n\r\n",
     413, "4096 bytes"},
    {"a long body in chunks",
     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
     "application/json\r\nTransfer-Encoding: "
     "chunked\r\n\r\nfffff\r\n",
     413, "4096 bytes"},
    {"a head of many fields",
     get(
         "/health", "Host: localhost\r\n" +
                        [] {
                          std::string many;
                          for (int i = 0; i < 300; ++i) many += "x" + std::to_string(i) + ": y\r\n";
                          return many;
                        }()),
     431, "1024 bytes"},
    {"a long field", get("/health", "Host: localhost\r\nx: " + std::string(5000, 'y') + "\r\n"),
     431, "1024 bytes"},
    {"a long path", get("/" + std::string(5000, 'y')), 431, "1024 bytes"},
};

TEST(Refusals, EachSaysWhatIsWrongInOpenAisForm) {
  test::TestSetup setup;
  setup.limits.body = 4096;
  setup.limits.head = 1024;
  TestServer server(setup);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    HttpClient client(server.port());
    client.send_bytes(c.bytes);
    Reply reply = c.bytes.starts_with("HEAD") ? client.head() : client.reply();
    EXPECT_EQ(reply.status, c.status) << reply.body;
    if (*c.header != '\0') {
      const std::string header = c.header;
      const std::size_t colon = header.find(':');
      EXPECT_EQ(reply.headers[header.substr(0, colon)], header.substr(colon + 2));
    }
    EXPECT_FALSE(reply.headers.contains("access-control-allow-origin"));
    if (c.status == 200) continue;
    const Json error = reply.json()["error"];
    EXPECT_NE(error["message"].get<std::string>().find(c.says), std::string::npos) << error;
    EXPECT_EQ(error.size(), 4u);
    for (const char* name : {"type", "param", "code"}) EXPECT_TRUE(error.contains(name));
  }
}

TEST(Refusals, WhereThereIsAKeyItIsNeeded) {
  test::TestSetup setup;
  setup.server.keys = serve::Keys({"first-key", "second"});
  TestServer server(setup);
  struct {
    const char* path;
    std::string headers;
    int status;
  } const cases[] = {
      {"/v1/models", "", 401},
      {"/v1/models", "Authorization: first-key\r\n", 401},
      {"/v1/models", "Authorization: Bearer first-ke\r\n", 401},
      {"/v1/models", "Authorization: Bearer first-key2\r\n", 401},
      {"/v1/models", "Authorization: Bearer \r\n", 401},
      {"/v1/models", "Authorization: Basic first-key\r\n", 401},
      {"/v1/models", "Authorization: Bearer first-key\r\n", 200},
      {"/v1/models", "authorization: bearer second\r\n", 200},
      {"/health", "", 200},
      {"/nowhere", "", 404},
  };
  for (const auto& c : cases) {
    HttpClient client(server.port());
    client.get(c.path, c.headers);
    EXPECT_EQ(client.reply().status, c.status) << c.path << " " << c.headers;
  }
}

TEST(Refusals, WhoMayNotAskIsNotListenedTo) {
  test::TestSetup setup;
  setup.server.keys = serve::Keys({"key"});
  TestServer server(setup);
  struct {
    const char* host;
    const char* path;
    const char* type;
    int status;
  } const cases[] = {
      {"localhost", "/v1/completions", "application/json", 401},
      {"any.name", "/v1/completions", "application/json", 401},  // whoever has a key may name it so
      {"localhost", "/v1/nothing", "application/json", 404},
      {"localhost", "/v1/models", "application/json", 405},
  };
  for (const auto& c : cases) {  // none of the bodies ever comes
    HttpClient client(server.port());
    client.send_bytes("POST " + std::string(c.path) + " HTTP/1.1\r\nHost: " + c.host +
                      "\r\nContent-Type: " + c.type + "\r\nContent-Length: 10\r\n\r\n");
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, c.status);
    EXPECT_EQ(reply.headers.at("connection"), "close");
    EXPECT_TRUE(client.ended());
  }
}

TEST(Refusals, AClientThatWaitsToBeToldIsTold) {
  TestServer server;
  HttpClient client(server.port());
  client.send_bytes(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nContent-Length: 31\r\n\r\n");
  EXPECT_EQ(client.head().status, 100);
  client.send_bytes(kGood);
  EXPECT_EQ(client.reply().status, 200);
}

TEST(Refusals, WithoutATemplateThereIsNoConversation) {
  test::TestSetup setup;
  setup.chat_template = "";
  TestServer server(setup);
  const Reply reply =
      server.post("/v1/chat/completions",
                  {{"messages", Json::array({{{"role", "user"}, {"content", "Hello"}}})}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("--template"), std::string::npos);
}

TEST(Refusals, ATemplateMayRefuse) {
  test::TestSetup setup;
  setup.chat_template = "{{ raise_exception('roles must alternate') }}";
  TestServer server(setup);
  const Reply reply =
      server.post("/v1/chat/completions",
                  {{"messages", Json::array({{{"role", "user"}, {"content", "Hello"}}})}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["param"], "messages");
  EXPECT_NE(reply.body.find("roles must alternate"), std::string::npos);
}

TEST(Refusals, OtherMachinesCannotAskWithoutAKey) {
  test::TestSetup setup;
  for (const char* host : {"0.0.0.0", "::"}) {
    setup.server.host = host;
    EXPECT_THROW(TestServer{setup}, Error) << host;
  }
  setup.server.keys = serve::Keys({"key"});
  setup.server.host = "0.0.0.0";
  TestServer server(setup);
  HttpClient client(server.port());
  client.get("/v1/models", "Authorization: Bearer key\r\n");
  EXPECT_EQ(client.reply().status, 200);
}

}  // namespace
}  // namespace bantam
