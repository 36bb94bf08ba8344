// What other programs score and inspect a model by: echo with logprobs, several prompts, ids.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "serve/test_server.h"

namespace bantam {
namespace {

using test::HttpClient;
using test::Reply;
using test::TestServer;

constexpr const char* kScoring = "/v1/completions";

Json scored(const Json& prompt, const Json& more = Json::object()) {
  Json body = {{"prompt", prompt}, {"temperature", 0}, {"max_tokens", 1},
               {"logprobs", 1},    {"seed", 1234},     {"echo", true}};
  body.update(more);
  return body;
}

TEST(Scoring, EachPromptIsAChoiceWithItsTokensProbabilities) {
  TestServer server({.slots = 2});
  const Json prompts = {"the the", "a", "the other thing", "the the"};
  const Reply reply = server.post(kScoring, scored(prompts));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json json = reply.json(), choices = json["choices"];
  ASSERT_EQ(choices.size(), prompts.size());
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    EXPECT_EQ(choices[i]["index"], i);
    const std::string text = prompts[i].get<std::string>();
    EXPECT_TRUE(choices[i]["text"].get<std::string>().starts_with(text));
    const Json& p = choices[i]["logprobs"];
    const std::size_t count = test::tiny_tokenizer()->encode(text).size() + 1;
    tokens += count;
    for (const char* column : {"tokens", "token_logprobs", "top_logprobs", "text_offset"})
      EXPECT_EQ(p[column].size(), count) << column;
    EXPECT_TRUE(p["token_logprobs"][0].is_null());
    EXPECT_TRUE(p["top_logprobs"][0].is_null());
    for (std::size_t t = 1; t < count; ++t) {
      double likeliest = -1e9;
      for (const auto& [name, value] : p["top_logprobs"][t].items())
        likeliest = std::max(likeliest, value.get<double>());
      EXPECT_GE(likeliest, p["token_logprobs"][t].get<double>());
      if (t + 1 < count) continue;
      EXPECT_EQ(likeliest, p["token_logprobs"][t].get<double>());  // it was the greedy choice
    }
    // Alone it is the same, to the last digit.
    Json alone = server.post(kScoring, scored(text)).json()["choices"][0];
    alone["index"] = i;
    EXPECT_EQ(alone, choices[i]);
  }
  EXPECT_EQ(json["usage"]["total_tokens"], tokens);
  EXPECT_EQ(json["usage"]["completion_tokens"], prompts.size());
}

TEST(Scoring, IdsGiveWhatTheirTextGives) {
  TestServer server;
  const std::string text = "the thing 的";
  const auto ids = test::tiny_tokenizer()->encode(text);
  const Json of_text = server.post(kScoring, scored(text)).json()["choices"];
  EXPECT_EQ(server.post(kScoring, scored(ids)).json()["choices"], of_text);
  EXPECT_EQ(server.post(kScoring, scored(Json::array({ids}))).json()["choices"], of_text);
  const Json two = server.post(kScoring, scored(Json::array({ids, ids}))).json()["choices"];
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1]["logprobs"], of_text[0]["logprobs"]);
}

TEST(Scoring, OffsetsAreInCharacters) {
  TestServer server;
  // <s>, then the bytes: one, three, one and " the".
  const Json p = server.post(kScoring, scored("a的b the")).json()["choices"][0]["logprobs"];
  const Json offsets = p["text_offset"], tokens = p["tokens"];
  EXPECT_EQ(tokens[0], "<s>");
  EXPECT_EQ(tokens[1], "a");
  EXPECT_EQ(tokens[2], "bytes:\\xe7");
  EXPECT_EQ(tokens[6], " the");
  const std::vector<int> expected = {0, 0, 1, 2, 2, 2, 3, 7};
  EXPECT_EQ(offsets, Json(expected));
}

TEST(Scoring, ThePromptAloneIsScored) {
  TestServer server;
  const Reply reply = server.post(kScoring, scored("the the", {{"max_tokens", 0}}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json choice = reply.json()["choices"][0];
  EXPECT_EQ(choice["text"], "the the");
  EXPECT_EQ(choice["logprobs"]["tokens"].size(), test::tiny_tokenizer()->encode("the the").size());
  EXPECT_EQ(reply.json()["usage"]["completion_tokens"], 0);
}

TEST(Scoring, WithoutAnEchoTheAnswerIsTold) {
  TestServer server;
  const Json choice =
      server.post(kScoring, scored("the", {{"echo", false}, {"max_tokens", 5}, {"logprobs", 3}}))
          .json()["choices"][0];
  ASSERT_EQ(choice["logprobs"]["tokens"].size(), 5u);
  for (const Json& top : choice["logprobs"]["top_logprobs"]) EXPECT_GE(top.size(), 3u);
  const Json echoed =
      server.post(kScoring, scored("the", {{"max_tokens", 5}, {"logprobs", nullptr}}))
          .json()["choices"][0];
  EXPECT_EQ(echoed["text"], "the" + choice["text"].get<std::string>());
  EXPECT_TRUE(echoed["logprobs"].is_null());
}

TEST(Scoring, AChatTellsItsTokensToo) {
  TestServer server;
  const Json body = {{"messages", Json::array({{{"role", "user"}, {"content", "the"}}})},
                     {"temperature", 0},
                     {"max_tokens", 6},
                     {"logprobs", true},
                     {"top_logprobs", 2}};
  const Json choice = server.post("/v1/chat/completions", body).json()["choices"][0];
  const Json content = choice["logprobs"]["content"];
  ASSERT_EQ(content.size(), 6u);
  for (const Json& token : content) {
    EXPECT_EQ(token["top_logprobs"].size(), 2u);
    EXPECT_EQ(token["top_logprobs"][0]["logprob"], token["logprob"]);
    EXPECT_TRUE(token["bytes"].is_array());
  }
}

TEST(Scoring, AStreamTellsTheTokensOfItsPieces) {
  TestServer server;
  Json body = {{"messages", Json::array({{{"role", "user"}, {"content", "the"}}})},
               {"temperature", 0},
               {"max_tokens", 20},
               {"logprobs", true},
               {"top_logprobs", 1}};
  const Json whole = server.post("/v1/chat/completions", body).json()["choices"][0];
  body["stream"] = true;
  const std::string stream = server.post("/v1/chat/completions", body).body;
  Json tokens = Json::array();
  std::string text;
  for (std::size_t at = 0; (at = stream.find("data: {", at)) != std::string::npos;) {
    const std::size_t end = stream.find('\n', at);
    const Json choice = parse_json(stream.substr(at + 6, end - at - 6), "event")["choices"][0];
    at = end;
    text += choice["delta"].value("content", std::string());
    if (choice["logprobs"].is_null()) continue;
    for (const Json& token : choice["logprobs"]["content"]) tokens.push_back(token);
  }
  EXPECT_EQ(tokens, whole["logprobs"]["content"]);
  EXPECT_EQ(text, whole["message"]["content"]);
}

TEST(Scoring, ManyPromptsPassThroughFewSlots) {
  TestServer server({.slots = 2});
  Json prompts = Json::array();
  for (int i = 0; i < 40; ++i) prompts.push_back("the " + std::to_string(i % 7));
  const Json choices = server.post(kScoring, scored(prompts)).json()["choices"];
  ASSERT_EQ(choices.size(), 40u);
  for (std::size_t i = 7; i < 40; ++i)
    EXPECT_EQ(choices[i]["logprobs"], choices[i - 7]["logprobs"]);
}

TEST(Scoring, OnePromptTooManyTokensRefusesTheRequest) {
  TestServer server({.context = 16});
  const Reply reply = server.post(
      kScoring, scored(Json::array({"the", "a much longer text than there is room for"})));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["code"], "context_length_exceeded");
}

TEST(Scoring, TextBecomesIdsAndIdsText) {
  TestServer server;
  const auto tokenizer = test::tiny_tokenizer();
  const auto plain = tokenizer->encode("the other", {false, true});
  const Json llama = server.post("/tokenize", {{"content", "the other"}}).json();
  EXPECT_EQ(llama["tokens"], Json(plain));
  const Json vllm = server.post("/tokenize", {{"prompt", "the other"}, {"model", "x"}}).json();
  EXPECT_EQ(vllm["tokens"], Json(tokenizer->encode("the other")));
  EXPECT_EQ(vllm["count"], tokenizer->encode("the other").size());
  EXPECT_EQ(vllm["max_model_len"], 128);
  EXPECT_EQ(
      server.post("/tokenize", {{"prompt", "the"}, {"add_special_tokens", false}}).json()["tokens"],
      Json(tokenizer->encode("the", {false, true})));
  const Json pieces =
      server.post("/tokenize", {{"content", "the"}, {"with_pieces", true}}).json()["tokens"];
  EXPECT_EQ(pieces[0]["piece"], "the");
  const Json back = server.post("/detokenize", {{"tokens", plain}}).json();
  EXPECT_EQ(back["content"], "the other");
  EXPECT_EQ(back["prompt"], "the other");
  for (const Json& bad : {Json("a"), Json({-1}), Json({1.5}), Json({1 << 20})})
    EXPECT_EQ(server.post("/detokenize", {{"tokens", bad}}).status, 400) << bad;
}

TEST(Scoring, TheModelIsRetrievedByItsName) {
  TestServer server;
  const auto get = [&](const std::string& path) {
    HttpClient client(server.port());
    client.get(path);
    return client.reply();
  };
  const Json listed = get("/v1/models").json()["data"][0];
  EXPECT_EQ(get("/v1/models/tiny").json(), listed);
  EXPECT_EQ(get("/v1/models/t%69ny").json(), listed);
  const Reply other = get("/v1/models/an/other");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.json()["error"]["code"], "model_not_found");
  EXPECT_EQ(get("/v1/models/").status, 404);
}

TEST(Scoring, TheTokenizerIsDescribed) {
  TestServer server;
  HttpClient client(server.port());
  client.get("/tokenizer_info");
  const Json info = client.reply().json();
  EXPECT_EQ(info["bos_token"], "<s>");
  EXPECT_EQ(info["eos_token"], "</s>");
  EXPECT_EQ(info["chat_template"], test::kTestTemplate);
}

TEST(Scoring, AnOldClientNeedNotNameTheServerToSeeItsHealth) {
  TestServer server;
  for (const auto& [path, status] : {std::pair("/health", 200), std::pair("/v1/models", 400)}) {
    HttpClient client(server.port());
    client.send_bytes("GET " + std::string(path) + " HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client.reply().status, status) << path;
  }
}

TEST(Scoring, AKeyThatNobodyAskedForIsNoFault) {
  TestServer server;
  for (const char* header : {"Authorization: Bearer \r\n", "Authorization: Bearer x\r\n"}) {
    HttpClient client(server.port());
    client.get("/v1/models", header);
    EXPECT_EQ(client.reply().status, 200);
  }
}

TEST(Scoring, TheSeventeenthWaitsWhereThereIsAQueue) {
  TestServer server({.slots = 2, .queue = 6});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.port()));
    clients.back()->post(kScoring, {{"prompt", "the"}, {"max_tokens", 60}, {"seed", 1}});
  }
  Json first;
  for (const auto& client : clients) {
    const Reply reply = client->reply();
    ASSERT_EQ(reply.status, 200) << reply.body;
    if (first.is_null()) first = reply.json()["choices"];
    EXPECT_EQ(reply.json()["choices"], first);
  }
}

}  // namespace
}  // namespace bantam
