// Adapters side by side, as clients see them: listed, asked for by name or by number, each answer the
// one that its adapter gives alone.
#include <gtest/gtest.h>

#include "serve/test_server.h"

namespace bantam {
namespace {

using test::HttpClient;
using test::kChat;
using test::kCompletions;
using test::Reply;
using test::TestServer;

test::TestSetup setup(std::int64_t slots = 16) {
  test::TestSetup s;
  s.slots = slots;
  s.adapters = {{.seed = 1},
                {.rank = 2, .targets = {"q_proj"}, .seed = 2},
                {.magnitudes = true,
                 .seed = 3,
                 .chat_template = "{% for m in messages %}({{ m.content }}){% endfor %}"}};
  return s;
}

Json body(const std::string& model, int tokens = 30) {
  return {{"model", model}, {"prompt", "the other "}, {"temperature", 0}, {"max_tokens", tokens}};
}
std::string text_of(const Reply& reply) {
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 ? reply.json()["choices"][0]["text"].get<std::string>() : "";
}

TEST(Adapters, AreListedAsModels) {
  TestServer server(setup());
  HttpClient list(server.port());
  list.get("/v1/models");
  const Json data = list.reply().json()["data"];
  ASSERT_EQ(data.size(), 4u);
  EXPECT_EQ(data[0]["id"], "tiny");
  EXPECT_FALSE(data[0].contains("parent"));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(data[i + 1]["id"], "adapter-" + std::to_string(i));
    EXPECT_EQ(data[i + 1]["parent"], "tiny");
  }
  HttpClient one(server.port());
  one.get("/v1/models/adapter-1");
  EXPECT_EQ(one.reply().json(), data[2]);
  HttpClient none(server.port());
  none.get("/v1/models/adapter-3");
  const Reply missing = none.reply();
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(missing.body.find("tiny, adapter-0, adapter-1, adapter-2 are served"), std::string::npos)
      << missing.body;
}

TEST(Adapters, EachAnswerIsItsAdaptersAloneInAnyCompany) {
  TestServer server(setup(8));
  const std::string names[] = {"tiny", "adapter-0", "adapter-1", "adapter-2"};
  std::vector<std::string> alone;
  for (int i = -1; i < 3; ++i) {
    alone.push_back(server.alone("<s>the other ", 30, i));
    for (std::size_t other = 0; other + 1 < alone.size(); ++other)
      ASSERT_NE(alone[other], alone.back());
  }
  for (int round = 0; round < 3; ++round) {  // later ones find beginnings in the slots
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (std::size_t i = 0; i < 8; ++i) {
      clients.push_back(std::make_unique<HttpClient>(server.port()));
      clients.back()->post(kCompletions, body(names[(i * 3 + static_cast<std::size_t>(round)) % 4]));
    }
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t n = (i * 3 + static_cast<std::size_t>(round)) % 4;
      const Reply reply = clients[i]->reply();
      EXPECT_EQ(text_of(reply), alone[n]) << names[n];
      EXPECT_EQ(reply.json()["model"], names[n]);
    }
  }
  // A misspelt adapter is not answered by the model without it. Who says nothing has the model.
  const Reply other = server.post(kCompletions, body("adaptor-0"));
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.json()["error"]["code"], "model_not_found");
  EXPECT_NE(other.body.find("tiny, adapter-0, adapter-1, adapter-2 are served"), std::string::npos)
      << other.body;
  Json unnamed = body("tiny");
  unnamed.erase("model");
  EXPECT_EQ(text_of(server.post(kCompletions, unnamed)), alone[0]);
}

TEST(Adapters, ABeginningThatAnotherReadIsReadAgain) {
  TestServer server(setup());
  const auto cached = [&](const std::string& model) {
    return server.post(kCompletions, body(model, 1))
        .json()["usage"]["prompt_tokens_details"]["cached_tokens"]
        .get<int>();
  };
  EXPECT_EQ(cached("adapter-0"), 0);
  EXPECT_EQ(cached("adapter-1"), 0);
  EXPECT_EQ(cached("tiny"), 0);
  EXPECT_GT(cached("adapter-0"), 0);
}

TEST(Adapters, ByTheirNumbersAsLlamaCppHasIt) {
  TestServer server(setup());
  const std::string of_one = text_of(server.post(kCompletions, body("adapter-1")));
  const std::string of_none = text_of(server.post(kCompletions, body("tiny")));
  const auto with = [&](const std::string& lora, const std::string& model = "tiny") {
    Json asked = body(model);
    asked["lora"] = Json::parse(lora);
    return server.post(kCompletions, asked);
  };
  for (const char* lora : {R"([{"id":1,"scale":1.0}])", R"([{"id":1}])",
                           R"([{"id":0,"scale":0},{"id":1,"scale":1},{"id":2,"scale":0.0}])"})
    EXPECT_EQ(text_of(with(lora)), of_one) << lora;
  EXPECT_EQ(text_of(with(R"([{"id":1,"scale":1}])", "adapter-1")), of_one);
  for (const char* lora : {"[]", "null", R"([{"id":0,"scale":0}])"})
    EXPECT_EQ(text_of(with(lora)), of_none) << lora;
  const std::pair<const char*, const char*> wrong[] = {
      {R"([{"id":3}])", "lora[0].id"},
      {R"([{"id":-1}])", "lora[0].id"},
      {R"([{"scale":1}])", "lora[0].id"},
      {R"([{"id":0},{"id":1,"scale":0.5}])", "lora[1].scale"},
      {R"([{"id":0},{"id":1}])", "lora"},
      {R"([{"id":0,"name":"x"}])", "lora[0].name"},
      {R"([1])", "lora[0]"},
      {R"("adapter-0")", "lora"}};
  for (const auto& [lora, field] : wrong) {
    const Reply reply = with(lora);
    EXPECT_EQ(reply.status, 400) << lora;
    EXPECT_EQ(reply.json()["error"]["param"], field) << reply.body;
  }
  const Reply torn = with(R"([{"id":0}])", "adapter-1");
  EXPECT_EQ(torn.status, 400);
  EXPECT_EQ(torn.json()["error"]["param"], "lora");
}

TEST(Adapters, WhereThereAreNoneANumberIsRefused) {
  TestServer server;
  Json asked = body("adapter-0");
  EXPECT_EQ(server.post(kCompletions, asked).status, 200);
  asked["lora"] = Json::parse(R"([{"id":0,"scale":1}])");
  const Reply reply = server.post(kCompletions, asked);
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("--adapter NAME=FOLDER"), std::string::npos) << reply.body;
}

// The template that an adapter was trained under is what its conversations are written by.
TEST(Adapters, EachTalksByItsOwnTemplate) {
  TestServer server(setup());
  const auto said = [&](const std::string& model) {
    const Reply reply =
        server.post(kChat, {{"model", model},
                            {"messages", Json::array({{{"role", "user"}, {"content", "the"}}})},
                            {"temperature", 0},
                            {"max_tokens", 20}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json()["choices"][0]["message"]["content"].get<std::string>();
  };
  EXPECT_EQ(said("tiny"), server.alone("<s>[user] the\n[assistant] ", 20, -1));
  EXPECT_EQ(said("adapter-0"), server.alone("<s>[user] the\n[assistant] ", 20, 0));
  EXPECT_EQ(said("adapter-2"), server.alone("(the)", 20, 2));
}

}  // namespace
}  // namespace bantam
