// What a client tells the chat template, and which of it is refused.
#include "serve/template_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "chat/variable_names.h"
#include "serve/logit_bias.h"
#include "serve/refusal.h"
#include "serve/requests.h"
#include "serve/test_server.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using serve::Refusal;

constexpr const char* kPlain = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}";
constexpr const char* kThinks =
    "{% for m in messages %}{{ m.content }}{% endfor %}"
    "{% if enable_thinking is defined and enable_thinking is false %}<no>{% endif %}";
constexpr const char* kEffort =
    "{% for m in messages %}{{ m.content }}{% endfor %} effort {{ reasoning_effort|default('medium') }}";
constexpr const char* kAlways = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n";

// The prompt for a body with one message "U"; where it is refused, the field and what is said of it.
std::string prompt(const char* source, const std::string& more,
                   const std::string& content = "\"U\"") {
  const std::string body =
      R"({"messages":[{"role":"user","content":)" + content + "}]" + more + "}";
  const ChatTemplate chat_template(source, "t");
  try {
    serve::ChatRequest request = serve::parse_chat(body, serve::Limits());
    return serve::prompt_with(request.variables, *test::tiny_tokenizer(), chat_template,
                              std::move(request.messages))
        .text;
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), 400);
    return refusal.field() + ": " + refusal.message();
  }
}

TEST(TemplateFields, AThoughtCanBeSwitchedOffWhereTheTemplateCan) {
  for (const char* off : {R"(,"enable_thinking":false)", R"(,"think":false)",
                          R"(,"chat_template_kwargs":{"enable_thinking":false})",
                          R"(,"reasoning_effort":"none")",
                          R"(,"think":true,"chat_template_kwargs":{"enable_thinking":false})"})
    EXPECT_EQ(prompt(kThinks, off), "U<no>") << off;
  for (const char* on : {"", R"(,"enable_thinking":true)", R"(,"think":true)"})
    EXPECT_EQ(prompt(kThinks, on), "U") << on;
}

TEST(TemplateFields, AnEffortArrivesWhereTheTemplateReadsOne) {
  EXPECT_EQ(prompt(kEffort, R"(,"reasoning_effort":"high")"), "U effort high");
  EXPECT_EQ(prompt(kEffort, R"(,"think":"low")"), "U effort low");
  EXPECT_EQ(prompt(kEffort, R"(,"reasoning_effort":"none")"), "U effort none");
  const std::string refused = "reasoning_effort: the model's chat template reads no variable "
                              "reasoning_effort";
  EXPECT_EQ(prompt(kThinks, R"(,"reasoning_effort":"high")"), refused);
  EXPECT_EQ(prompt(kPlain, R"(,"reasoning_effort":"low")"), refused);
}

// Where there is no thought, none is switched off; where the template begins one, it cannot be.
TEST(TemplateFields, WhatIsSoAnywayIsNotRefused) {
  for (const char* off : {R"(,"enable_thinking":false)", R"(,"think":false)",
                          R"(,"reasoning_effort":"none")"}) {
    EXPECT_EQ(prompt(kPlain, off), "[user] U\n") << off;
    EXPECT_NE(prompt(kAlways, off).find("reads no variable"), std::string::npos) << off;
  }
  EXPECT_EQ(prompt(kPlain, R"(,"think":true)"),
            "think: the model's chat template reads no variable enable_thinking");
  EXPECT_EQ(prompt(kAlways, R"(,"think":true)"), "U<think>");
}

TEST(TemplateFields, AVariableThatTheTemplateDoesNotReadIsNamed) {
  EXPECT_EQ(prompt(kThinks, R"(,"chat_template_kwargs":{"enable_thinkin":false})"),
            "chat_template_kwargs.enable_thinkin: the model's chat template reads no variable "
            "enable_thinkin; did you mean enable_thinking?");
}

TEST(TemplateFields, PartsReachATemplateThatTakesThem) {
  const std::string two = R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])";
  EXPECT_EQ(prompt("{% for m in messages %}{% for p in m.content %}<{{ p.text }}>{% endfor %}"
                   "{% endfor %}",
                   "", two),
            "<a><b>");
  EXPECT_EQ(prompt("{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}"
                   "{% for p in m.content %}({{ p.text }}){% endfor %}{% endif %}{% endfor %}",
                   "", two),
            "(a)(b)");
  EXPECT_EQ(prompt(kPlain, "", two), "[user] a\nb\n");
  EXPECT_EQ(prompt(kPlain, "", "[]"), "messages[0].content: is missing");  // as null is
}

// What one client sends must not decide how the messages of all are read.
TEST(TemplateFields, TheFirstConversationDoesNotDecideForAll) {
  const ChatTemplate parts(
      "{% if not quiet %}{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}"
      "{% endfor %}{% endif %}",
      "t");
  const auto ask = [&](const char* more) {
    serve::ChatRequest r = serve::parse_chat(
        std::string(R"({"messages":[{"role":"user","content":"U"}])") + more + "}",
        serve::Limits());
    return serve::prompt_with(r.variables, *test::tiny_tokenizer(), parts, std::move(r.messages))
        .text;
  };
  EXPECT_EQ(ask(R"(,"chat_template_kwargs":{"quiet":true})"), "");
  EXPECT_EQ(ask(""), "U");
}

TEST(TemplateFields, NamesAreThoseOfVariables) {
  const ChatTemplate t("{% if a is defined %}{{ m.b.c }}{{ 'd' }}{{ m['e'] }}{% endif %}f", "t");
  const std::vector<std::string> names = variable_names(t);
  for (const char* name : {"a", "m"})
    EXPECT_NE(std::ranges::find(names, name), names.end()) << name;
  for (const char* name : {"b", "c", "d", "e", "f", "if", "is", "endif"})
    EXPECT_EQ(std::ranges::find(names, name), names.end()) << name;
}

TEST(TemplateFields, BiasesOfATextAreOfEachOfItsTokens) {
  const auto tokenizer = test::tiny_tokenizer();
  const std::vector<std::int32_t> ids = tokenizer->encode("the cat", {false, false});
  ASSERT_FALSE(ids.empty());
  const std::vector<serve::AskedBias> asked = {{std::string("the cat"), -3, "logit_bias.the cat"},
                                               {7, -INFINITY, "logit_bias.7"}};
  const auto biases = serve::resolve_biases(asked, *tokenizer, tokenizer->size());
  ASSERT_EQ(biases.size(), ids.size() + 1);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(biases[i].id, ids[i]);
    EXPECT_EQ(biases[i].bias, -3);
  }
  EXPECT_EQ(biases.back().id, 7);
  const std::vector<serve::AskedBias> unknown = {
      {static_cast<std::int32_t>(tokenizer->size()), 1, "logit_bias"}};
  EXPECT_THROW(serve::resolve_biases(unknown, *tokenizer, tokenizer->size()), Refusal);
}

// false is never, in every form: with the first answer's first token banned another one comes.
TEST(TemplateFields, ABannedTokenDoesNotCome) {
  test::TestServer server;
  const auto first = [&](const Json& bias) {
    const Json reply = server
                           .post("/v1/completions", {{"prompt", "the "},
                                                     {"temperature", 0},
                                                     {"max_tokens", 1},
                                                     {"logprobs", 0},
                                                     {"logit_bias", bias}})
                           .json();
    return reply["choices"][0]["logprobs"]["tokens"][0].get<std::string>();
  };
  const auto id_of = [&](const std::string& token) {
    const Json ids = server.post("/tokenize", {{"content", token}}).json()["tokens"];
    EXPECT_EQ(ids.size(), 1u) << token;
    return ids[0].get<int>();
  };
  const std::string free = first(nullptr);
  const int best = id_of(free);
  const std::string second = first({{std::to_string(best), -100}});
  EXPECT_NE(second, free);
  EXPECT_EQ(first({{std::to_string(best), false}}), second);
  EXPECT_EQ(first(Json::array({Json::array({best, false})})), second);
  // The next one too, by its text.
  const std::string third =
      first({{std::to_string(best), false}, {std::to_string(id_of(second)), false}});
  EXPECT_NE(third, second);
  EXPECT_EQ(first(Json::array({Json::array({best, false}), Json::array({second, false})})), third);
  EXPECT_EQ(first({{std::to_string(best), false}, {second, false}}), third);
}

}  // namespace
}  // namespace bantam
