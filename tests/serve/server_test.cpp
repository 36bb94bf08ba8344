// The server as its clients see it: many at once, one too many, gone, and its end.
#include <gtest/gtest.h>

#include "serve/test_server.h"

namespace bantam {
namespace {

using test::HttpClient;
using test::kChat;
using test::kCompletions;
using test::Reply;
using test::TestServer;

constexpr std::int64_t kLong = 32768;  // an answer that takes seconds

std::string question(int i) {
  return std::string(static_cast<std::size_t>(3 * i), 'a') + " the question " + std::to_string(i);
}

Json chat_body(int i, bool stream = false) {
  return {{"model", "tiny"},
          {"messages", Json::array({{{"role", "user"}, {"content", question(i)}}})},
          {"temperature", 0},
          {"max_tokens", 20 + i},
          {"stream", stream}};
}

std::string answer_of(const Reply& reply) {
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 ? reply.json()["choices"][0]["message"]["content"].get<std::string>()
                             : "";
}

TEST(Server, SixteenAtOnceGetWhatEachGetsAloneStreamedOrNot) {
  TestServer server;
  std::vector<std::string> alone;
  for (int i = 0; i < 16; ++i) {
    alone.push_back(server.alone("<s>[user] " + question(i) + "\n[assistant] ", 20 + i));
    EXPECT_FALSE(alone.back().empty());
  }
  for (const bool stream : {false, true})
    for (int round = 0; round < 3; ++round) {  // later ones find beginnings in the slots
      std::vector<std::unique_ptr<HttpClient>> clients;
      for (int i = 0; i < 16; ++i) {
        clients.push_back(std::make_unique<HttpClient>(server.port()));
        clients.back()->post(kChat, chat_body(i, stream));
      }
      for (std::size_t i = 0; i < 16; ++i) {
        const Reply reply = clients[i]->reply();
        EXPECT_EQ(stream ? test::streamed_text(reply.body) : answer_of(reply), alone[i]) << i;
      }
    }
}

TEST(Server, ASeedGivesTheSameTextInAnyCompany) {
  TestServer server;
  const Json body = {{"prompt", "the "}, {"seed", 7}, {"temperature", 1.5}, {"max_tokens", 60}};
  const Json alone = server.post(kCompletions, body).json()["choices"];
  std::vector<std::unique_ptr<HttpClient>> others;
  for (int i = 0; i < 10; ++i) {
    others.push_back(std::make_unique<HttpClient>(server.port()));
    others.back()->post(kCompletions, {{"prompt", "other"}, {"max_tokens", 90}});
  }
  EXPECT_EQ(server.post(kCompletions, body).json()["choices"], alone);
  for (const auto& other : others) EXPECT_EQ(other->reply().status, 200);
}

TEST(Server, OneMoreThanThereAreSlotsIsToldToWait) {
  TestServer server({.slots = 3, .context = kLong});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.port()));
    clients.back()->post(kCompletions, test::endless({{"stream", true}}));
    EXPECT_EQ(clients.back()->head().status, 200);  // it has its slot
  }
  const Reply refused = server.post(kCompletions, test::endless());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(refused.json()["error"]["code"], "rate_limit_exceeded");
  // The others went on.
  for (const auto& client : clients) EXPECT_FALSE(client->chunk().empty());
}

// Until no slot is taken, however long that takes: the test's own limit is the client's patience.
bool all_free(TestServer& server) {
  for (int i = 0; i < 100000 && server.engine().busy() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return server.engine().busy() == 0;
}

TEST(Server, AClientThatVanishesFreesItsSlot) {
  for (const bool stream : {true, false}) {
    // The answer alone would fill a context of a million tokens: hours.
    TestServer server({.slots = 1, .context = 1'000'000});
    HttpClient client(server.port());
    client.post(kCompletions, test::endless({{"stream", stream}}));
    if (stream) {
      EXPECT_EQ(client.head().status, 200);
    }
    while (server.engine().busy() == 0) std::this_thread::yield();
    client.vanish();
    EXPECT_TRUE(all_free(server));
    EXPECT_EQ(server.post(kCompletions, {{"prompt", "the"}, {"max_tokens", 3}}).status, 200);
  }
}

TEST(Server, APromptThatDoesNotFitIsRefusedWithBothLengths) {
  TestServer server({.context = 64});
  const Json ids = std::vector<int>(65, 1);
  const Reply reply = server.post(kCompletions, {{"prompt", ids}});
  EXPECT_EQ(reply.status, 400);
  const Json error = reply.json()["error"];
  EXPECT_EQ(error["code"], "context_length_exceeded");
  EXPECT_NE(error["message"].get<std::string>().find("65 tokens"), std::string::npos) << error;
  EXPECT_NE(error["message"].get<std::string>().find("for 64"), std::string::npos) << error;
  // One that just fits has one token for its answer.
  const Reply full = server.post(
      kCompletions, {{"prompt", std::vector<int>(64, 1)}, {"logit_bias", {{"260", -100}}}});
  EXPECT_EQ(full.json()["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(full.json()["usage"]["completion_tokens"], 1);
}

TEST(Server, EndingLetsAStreamEnd) {
  TestServer server({.context = 4096});
  HttpClient client(server.port()), idle(server.port());
  client.post(kCompletions, test::endless({{"stream", true}, {"max_tokens", 2000}}));
  EXPECT_EQ(client.head().status, 200);
  std::string stream = client.chunk();
  server.ask_to_stop();
  EXPECT_TRUE(idle.ended());
  for (std::string part; !(part = client.chunk()).empty();) stream += part;
  EXPECT_TRUE(stream.ends_with("data: [DONE]\n\n"));
  EXPECT_TRUE(client.ended());
  server.end();
  EXPECT_FALSE(HttpClient(server.port()).connected());
}

TEST(Server, EndingDoesNotWaitForEver) {
  test::TestSetup setup;
  setup.context = 1'000'000;
  setup.limits.drain = std::chrono::milliseconds(1);
  TestServer server(setup);
  HttpClient client(server.port());
  client.post(kCompletions, test::endless({{"stream", true}}));
  EXPECT_EQ(client.head().status, 200);
  server.end();
}

TEST(Server, AConnectionTakesOneRequestAfterAnother) {
  TestServer server;
  HttpClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.post(kChat, chat_body(i, i == 1));
    EXPECT_EQ(client.reply().status, 200);
  }
  // Sent before the answer to the one before.
  client.get("/health");
  client.get("/v1/models");
  client.get("/health", "Connection: close\r\n");
  EXPECT_EQ(client.reply().json()["status"], "ok");
  EXPECT_EQ(client.reply().json()["data"][0]["id"], "tiny");
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_TRUE(client.ended());
}

TEST(Server, WhoIsIdleMakesRoomForWhoComes) {
  test::TestSetup setup;
  setup.limits.connections = 3;
  TestServer server(setup);
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(std::make_unique<HttpClient>(server.port()));
    idle.back()->get("/health");
    EXPECT_EQ(idle.back()->reply().status, 200);
  }
  for (int i = 0; i < 20; ++i) {
    HttpClient client(server.port());
    client.get("/health");
    EXPECT_EQ(client.reply().status, 200);
  }
}

TEST(Server, WhoComesWhenAllAreBusyIsToldSo) {
  test::TestSetup setup;
  setup.limits.connections = 1;
  setup.context = 1'000'000;
  TestServer server(setup);
  HttpClient busy(server.port());
  busy.post(kCompletions, test::endless({{"stream", true}}));
  EXPECT_EQ(busy.head().status, 200);
  HttpClient other(server.port());
  EXPECT_EQ(other.reply().status, 503);
  EXPECT_FALSE(busy.chunk().empty());
}

TEST(Server, WhoIsSlowIsCutOff) {
  test::TestSetup setup;
  setup.limits.head_time = setup.limits.body_time = std::chrono::milliseconds(1);
  TestServer server(setup);
  for (const char* text : {"GET /health HTTP/1.1\r\nHos",
                           "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                           "application/json\r\nContent-Length: 9\r\n\r\n{"}) {
    HttpClient client(server.port());
    client.send_bytes(text);
    EXPECT_EQ(client.reply().status, 408);
    EXPECT_TRUE(client.ended());
  }
}

}  // namespace
}  // namespace bantam
