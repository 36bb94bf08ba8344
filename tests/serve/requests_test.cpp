// Bodies of requests: what they become, and which field a bad one is refused for.
#include "serve/requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "infer/sampler_options.h"
#include "serve/other_fields.h"
#include "serve/refusal.h"

namespace bantam {
namespace {

using serve::Limits;
using serve::Refusal;
using Ids = std::vector<std::int32_t>;

struct Bad {
  std::string body;
  const char* param;  // empty: the body as a whole
};

const std::string kMessages = R"("messages":[{"role":"user","content":"Hi"}])";

std::string chat(const std::string& more) { return "{" + kMessages + "," + more + "}"; }

const Bad kBadChats[] = {
    {"", ""},
    {"{", ""},
    {"[]", ""},
    {"7", ""},
    {"\"text\"", ""},
    {"{} {}", ""},
    {"{\"a\":1e999}", ""},
    {chat(R"("user":-1e999)"), ""},
    {chat(R"("model":5)"), "model"},
    {chat(R"("model":["tiny"])"), "model"},
    {chat(R"("model":false)"), "model"},
    {"{\"a\":1,\"a\":2}", ""},
    {"{\"a\":\"\xff\"}", ""},
    {"{\"a\":\"\\ud800\"}", ""},
    {std::string(100, '['), ""},
    {"{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}", ""},
    {"{}", "messages"},
    {R"({"messages":null})", "messages"},
    {R"({"messages":[]})", "messages"},
    {R"({"messages":{}})", "messages"},
    {R"({"messages":"Hi"})", "messages"},
    {R"({"messages":["Hi"]})", "messages[0]"},
    {R"({"messages":[{"role":"user","content":"a"},{"content":"b"}]})", "messages[1].role"},
    {R"({"messages":[{"role":7,"content":"a"}]})", "messages[0].role"},
    {R"({"messages":[{"role":"king","content":"a"}]})", "messages[0].role"},
    {R"({"messages":[{"role":"user"}]})", "messages[0].content"},
    {R"({"messages":[{"role":"user","content":null}]})", "messages[0].content"},
    {R"({"messages":[{"role":"user","content":[]}]})", "messages[0].content"},
    {R"({"messages":[{"role":"user","content":7}]})", "messages[0].content"},
    {R"({"messages":[{"role":"user","content":["a"]}]})", "messages[0].content[0]"},
    {R"({"messages":[{"role":"user","content":[{"text":"a"}]}]})", "messages[0].content[0].type"},
    {R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})",
     "messages[0].content[0].text"},
    {R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]})",
     "messages[0].content[1].type"},
    {chat(R"("stream":1)"), "stream"},
    {chat(R"("stream":"true")"), "stream"},
    {chat(R"("stream_options":true)"), "stream_options"},
    {chat(R"("stream_options":{"include_usage":1})"), "stream_options.include_usage"},
    {chat(R"("temperature":"hot")"), "temperature"},
    {chat(R"("temperature":-0.1)"), "temperature"},
    {chat(R"("temperature":1000.1)"), "temperature"},
    {chat(R"("temperature":[])"), "temperature"},
    {chat(R"("top_p":1.01)"), "top_p"},
    {chat(R"("min_p":-1)"), "min_p"},
    {chat(R"("top_k":0.5)"), "top_k"},
    {chat(R"("top_k":-2)"), "top_k"},
    {chat(R"("mirostat":1)"), "mirostat"},
    {chat(R"("typical_p":2)"), "typical_p"},
    {chat(R"("frequency_penalty":1000.5)"), "frequency_penalty"},
    {chat(R"("presence_penalty":-1001)"), "presence_penalty"},
    {chat(R"("presence_penalty":"1")"), "presence_penalty"},
    {chat(R"("repeat_penalty":0)"), "repeat_penalty"},
    {chat(R"("seed":1.5)"), "seed"},
    {chat(R"("seed":-2)"), "seed"},
    {chat(R"("seed":18446744073709551615)"), "seed"},
    {chat(R"("seed":18446744073709551616)"), "seed"},
    {chat(R"("max_tokens":-2)"), "max_tokens"},
    {chat(R"("max_tokens":1e3)"), "max_tokens"},
    {chat(R"("max_completion_tokens":"5")"), "max_completion_tokens"},
    {chat(R"("max_tokens":7,"max_completion_tokens":9)"), "max_completion_tokens"},
    {chat(R"("repeat_penalty":1.3,"repetition_penalty":1.2)"), "repetition_penalty"},
    {chat(R"("max_completion_tokens":4294967296)"), "max_completion_tokens"},
    {chat(R"("stop":7)"), "stop"},
    {chat(R"("stop":["a",7])"), "stop"},
    {chat(
         R"("stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"])"),
     "stop"},
    {chat(R"("n":2)"), "n"},
    {chat(R"("n":0)"), "n"},
    {chat(R"("n":"1")"), "n"},
    {chat(R"("logit_bias":7)"), "logit_bias"},
    {chat(R"("logit_bias":{"":1})"), "logit_bias."},
    {chat(R"("logit_bias":{"1":true})"), "logit_bias.1"},
    {chat(R"("logit_bias":{"4294967296":1})"), "logit_bias.4294967296"},
    {chat(R"("logit_bias":{"99999999999999999999":1})"), "logit_bias.99999999999999999999"},
    {chat(R"("logit_bias":[1,2])"), "logit_bias[0]"},
    {chat(R"("logit_bias":[[1,2],[1]])"), "logit_bias[1]"},
    {chat(R"("logit_bias":[[-1,2]])"), "logit_bias[0]"},
    {chat(R"("logit_bias":[["",2]])"), "logit_bias[0]"},
    {chat(R"("logit_bias":[[1.5,2]])"), "logit_bias[0]"},
    {chat(R"("logit_bias":[[1,101]])"), "logit_bias[0][1]"},
    {chat(R"("logit_bias":[[1,true]])"), "logit_bias[0][1]"},
    {chat(R"("logit_bias":{"-1":1})"), "logit_bias.-1"},
    {chat(R"("logit_bias":{"1":"x"})"), "logit_bias.1"},
    {chat(R"("logit_bias":{"1":101})"), "logit_bias.1"},
    {chat(R"("tools":[{"type":"function"}])"), "tools"},
    {chat(R"("logprobs":1)"), "logprobs"},
    {chat(R"("logprobs":true,"top_logprobs":21)"), "top_logprobs"},
    {chat(R"("top_logprobs":2)"), "top_logprobs"},
    {chat(R"("echo":true)"), "echo"},
    {chat(R"("tempreature":1)"), "tempreature"},
    {chat(R"("quite_unknown":false)"), "quite_unknown"},
    {chat(R"("thinking_token_budget":64)"), "thinking_token_budget"},
    {chat(R"("repetition_detection":{"max_pattern_size":4})"), "repetition_detection"},
    {chat(R"("guided_options_request":{"guided_regex":"a"})"), "guided_options_request"},
    {chat(R"("guided_whitespace_pattern":" ")"), "guided_whitespace_pattern"},
    {chat(R"("prefix":true)"), "prefix"},
    {chat(R"("thinking":false)"), "thinking"},
    {chat(R"("reasoning_format":"deepseek")"), "reasoning_format"},
    {chat(R"("include_reasoning":false)"), "include_reasoning"},
    {chat(R"("add_special_tokens":true)"), "add_special_tokens"},
    {chat(R"("prompt":"a")"), "prompt"},
    {chat(R"("think":7)"), "think"},
    {chat(R"("enable_thinking":"no")"), "enable_thinking"},
    {chat(R"("reasoning_effort":1)"), "reasoning_effort"},
    {chat(R"("chat_template_kwargs":{"messages":[]})"), "chat_template_kwargs.messages"},
    {chat(R"("stream_options":{"continuous_usage_stats":true})"),
     "stream_options.continuous_usage_stats"},
    {chat(R"("stream_options":{"include_usages":true})"), "stream_options.include_usages"},
    {chat(R"("response_format":{"type":"text","schema":{}})"), "response_format.schema"},
    {R"({"messages":[{"role":"user","content":"a","prefix":true}]})", "messages[0].prefix"},
    {R"({"messages":[{"role":"user","content":"a","images":["x"]}]})", "messages[0].images"},
    {R"({"messages":[{"role":"user","content":"a","colour":"red"}]})", "messages[0].colour"},
    {R"({"messages":[{"role":"assistant","tool_calls":[{}]}]})", "messages[0].tool_calls"},
    {R"({"messages":[{"role":"user","content":[{"type":"text","text":"a","bold":1}]}]})",
     "messages[0].content[0].bold"},
    {chat(R"("response_format":{"type":"json_object"})"), "response_format"},
    {chat(R"("response_format":"json")"), "response_format"},
    {chat(R"("chat_template_kwargs":"no")"), "chat_template_kwargs"},
};

const Bad kBadCompletions[] = {
    {"{}", "prompt"},
    {R"({"prompt":7})", "prompt"},
    {R"({"prompt":"a","model":{}})", "model"},
    {R"({"prompt":{}})", "prompt"},
    {R"({"prompt":["a",[1]]})", "prompt"},
    {R"({"prompt":["a","b"],"stream":true})", "prompt"},
    {R"({"prompt":[true]})", "prompt"},
    {R"({"prompt":[[[1]]]})", "prompt"},
    {R"({"prompt":[1,"a"]})", "prompt"},
    {R"({"prompt":[1.5]})", "prompt"},
    {R"({"prompt":[-1]})", "prompt"},
    {R"({"prompt":[2147483648]})", "prompt"},
    {R"({"prompt":"a","echo":true,"stream":true})", "echo"},
    {R"({"prompt":"a","echo":1})", "echo"},
    {R"({"prompt":"a","best_of":3})", "best_of"},
    {R"({"prompt":"a","suffix":"b"})", "suffix"},
    {R"({"prompt":"a","logprobs":101})", "logprobs"},
    {R"({"prompt":"a","logprobs":true})", "logprobs"},
    {R"({"prompt":"a","logprobs":1,"stream":true})", "logprobs"},
    {R"({"prompt":"a","messages":[{"role":"user","content":"b"}]})", "messages"},
    {R"({"prompt":"a","top_logprobs":2})", "top_logprobs"},
    {R"({"prompt":"a","enable_thinking":true})", "enable_thinking"},
    {R"({"prompt":"a","chat_template_kwargs":{"a":1}})", "chat_template_kwargs"},
    {R"({"prompt":"a","add_special_tokens":false})", "add_special_tokens"},
    {R"({"prompt":"a","raw_prompt":true})", "raw_prompt"},
};

const auto kParseChat = [](std::string_view body, const Limits& limits) {
  return serve::parse_chat(body, limits);
};
const auto kParseCompletion = [](std::string_view body, const Limits& limits) {
  return serve::parse_completion(body, limits);
};

template <class Parse>
void refused(const Bad& bad, Parse parse) {
  try {
    parse(bad.body, Limits());
    ADD_FAILURE() << "not refused: " << bad.body;
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), 400) << bad.body;
    EXPECT_EQ(refusal.field(), bad.param) << bad.body << " " << refusal.what();
    EXPECT_FALSE(refusal.code().empty()) << bad.body;
    const Json error = parse_json(serve::error_json(400, refusal.what()), "error");
    EXPECT_EQ(error["error"]["type"], "invalid_request_error");
  }
}

TEST(Requests, ABadBodyIsRefusedForTheFieldThatIsAtFault) {
  for (const Bad& bad : kBadChats) refused(bad, kParseChat);
  for (const Bad& bad : kBadCompletions) refused(bad, kParseCompletion);
}

TEST(Requests, WhatOthersServeAndThisDoesNotIsRefusedByName) {
  using serve::Endpoint;
  for (const Endpoint endpoint : {Endpoint::chat, Endpoint::completion}) {
    std::set<std::string_view> names;
    for (const serve::OtherField& field : serve::other_fields()) {
      if (field.only && *field.only != endpoint) continue;
      const std::string name(field.name);
      EXPECT_TRUE(names.insert(field.name).second) << name << " stands twice";
      const auto parse = [&](std::string_view value) {
        const std::string& first = endpoint == Endpoint::chat ? kMessages : R"("prompt":"a")";
        const std::string body = "{" + first + ",\"" + name + "\":" + std::string(value) + "}";
        endpoint == Endpoint::chat ? static_cast<void>(kParseChat(body, Limits()))
                                   : static_cast<void>(kParseCompletion(body, Limits()));
      };
      const auto is_refused = [&](std::string_view value) {
        try {
          parse(value);
          ADD_FAILURE() << "not refused: " << name << " " << value;
        } catch (const Refusal& refusal) {
          EXPECT_EQ(refusal.field(), name) << refusal.what();
        }
      };
      EXPECT_NO_THROW(parse("null")) << name;
      const bool nothing = field.neutral != "null";
      const auto passes = [&](std::string_view value) {
        EXPECT_NO_THROW(parse(value)) << name << " " << value;
      };
      for (const char* value : {"\"\"", "[]", "{}"}) {
        if (nothing)
          passes(value);
        else
          is_refused(value);
      }
      // Off is what most of them are anyway; where they are on, it would change the answer.
      if (nothing && field.neutral != "true")
        passes("false");
      else
        is_refused("false");
      if (field.neutral == "any") {
        passes("[1]");
        continue;
      }
      if (!field.neutral.empty()) passes(field.neutral);
      is_refused("[1]");
    }
  }
  for (const char* body : {R"("ignore_eos":true)", R"("min_tokens":3)", R"("grammar":"root ::= x")",
                           R"("guided_json":{"type":"object"})", R"("stop_token_ids":[2])",
                           R"("bad_words":["x"])", R"("json_schema":{"a":1})", R"("json_schema":{})", R"("guided_json":{})", R"("web_search_options":{})", R"("n":2)"})
    EXPECT_THROW(kParseChat(chat(body), Limits()), Refusal) << body;
}

TEST(Requests, ABodyOfNonsenseDoesNotTakeLong) {
  std::string many = "{" + kMessages;
  for (int i = 0; i < 50'000; ++i) many += ",\"zzzz" + std::to_string(i) + "\":1";
  refused({many + "}", "zzzz0"}, kParseChat);
  std::string nothing = "{" + kMessages;
  for (int i = 0; i < 50'000; ++i) nothing += ",\"zzzz" + std::to_string(i) + "\":null";
  EXPECT_NO_THROW(kParseChat(nothing + "}", Limits()));
}

TEST(Requests, ASlipOfThePenIsNamedWithWhatWasMeant) {
  try {
    kParseChat(chat(R"("max_token":7)"), Limits());
    ADD_FAILURE();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.message(), "there is no such field; did you mean max_tokens?");
  }
}

// One that does something in another place is told where.
TEST(Requests, AFieldOfAnotherPlaceIsNamedWithThePlace) {
  const auto said = [](const std::string& body) {
    try {
      kParseChat(body, Limits());
    } catch (const Refusal& refusal) {
      return refusal.message();
    }
    return std::string();
  };
  EXPECT_EQ(said(chat(R"("content":"a")")), "there is no such field here; /tokenize has it");
  EXPECT_EQ(said(chat(R"("tokens":[1])")), "there is no such field here; /detokenize has it; /v1/completions takes ids as prompt");
  EXPECT_EQ(said(R"({"messages":[{"role":"user","content":"a","temperature":1}]})"),
            "there is no such field here; it stands in the body itself, for all of the answer");
  EXPECT_EQ(said(chat(R"("stream_options":{"max_tokens":1})")), "there is no such field here; it stands in the body itself, for all of the answer");
  EXPECT_EQ(said(chat(R"("quite_unknown":1)")), "there is no such field; leave it out, it would do nothing");
  const Json tokenize = parse_json(R"({"content":"a","temperature":1})", "body"), detokenize = parse_json(R"({"tokens":[],"with_pieces":1})", "body");
  const auto of = [](const Json& body, std::initializer_list<std::string_view> names) {
    try {
      serve::Fields(body).allow(names);
    } catch (const Refusal& refusal) {
      return refusal.message();
    }
    return std::string();
  };
  EXPECT_EQ(of(tokenize, {"content"}), "there is no such field here; /v1/completions and /v1/chat/completions, which write an answer, have it");
  EXPECT_EQ(of(detokenize, {"tokens"}), "there is no such field here; /tokenize has it");
}

TEST(Requests, BiasesAreOfIdsAndTexts) {
  const auto biases = [](const std::string& json) {
    std::string all;
    for (const serve::AskedBias& b : kParseChat(chat("\"logit_bias\":" + json), Limits())
                                         .generation.biases) {
      const auto* id = std::get_if<std::int32_t>(&b.of);
      all += (id ? std::to_string(*id) : "'" + std::get<std::string>(b.of) + "'") + "=" +
             (b.bias < -1e9 ? "never" : value_text(b.bias)) + " ";
    }
    return all;
  };
  EXPECT_EQ(biases(R"({"15":-100,"0":2.5,"7":null})"), "15=-100 0=2.5 ");
  EXPECT_EQ(biases(R"({" the":1,"3":false,"1e3":2})"), "' the'=1 3=never '1e3'=2 ");
  EXPECT_EQ(biases(R"([[15,-100],[" the",false],[0,2.5]])"), "15=-100 ' the'=never 0=2.5 ");
  EXPECT_EQ(biases("[]"), "");
}

TEST(Requests, WhatATemplateIsToldComesFromFourFields) {
  const auto told = [](const std::string& more) {
    std::string all;
    for (const serve::TemplateVariable& v : kParseChat(chat(more), Limits()).variables)
      all += v.field + ": " + v.name + "=" + to_text(v.value) + "; ";
    return all;
  };
  EXPECT_EQ(told(R"("enable_thinking":false)"), "enable_thinking: enable_thinking=false; ");
  EXPECT_EQ(told(R"("think":true)"), "think: enable_thinking=true; ");
  EXPECT_EQ(told(R"("think":"low")"), "think: reasoning_effort=\"low\"; ");
  EXPECT_EQ(told(R"("reasoning_effort":"high")"), "reasoning_effort: reasoning_effort=\"high\"; ");
  EXPECT_EQ(told(R"("chat_template_kwargs":{"x":[1]},"think":false)"),
            "think: enable_thinking=false; chat_template_kwargs.x: x=[1]; ");
  EXPECT_EQ(told(R"("think":null)"), "");
}

TEST(Requests, WhatAMessageHasArrives) {
  const auto messages = [](const std::string& json) {
    return to_text(kParseChat("{\"messages\":" + json + "}", Limits()).messages);
  };
  EXPECT_EQ(messages(R"([{"role":"user","content":"a","name":"Ann","tool_calls":[]}])"),
            R"([{"role":"user","content":"a","name":"Ann"}])");
  EXPECT_EQ(messages(R"([{"role":"user","content":"a"},{"role":"assistant","content":[]}])"),
            R"([{"role":"user","content":"a"},{"role":"assistant","content":""}])");
  EXPECT_EQ(messages(R"([{"role":"assistant","content":"a","thinking":"b","refusal":null}])"),
            R"([{"role":"assistant","content":"a","reasoning_content":"b","thinking":"b"}])");
  EXPECT_EQ(messages(R"([{"role":"user","content":[{"type":"text","text":"a","cache_control":{"x":1}}]}])"),
            R"([{"role":"user","content":[{"type":"text","text":"a"}]}])");
}

// The command line's ranges, as clients of llama.cpp and vLLM use them: OpenAI's own are narrower.
TEST(Requests, TheSamplersRangesAreThoseOfTheCommandLine) {
  const auto g = kParseChat(chat(R"("temperature":5,"frequency_penalty":-3,"presence_penalty":12.5,"top_p":0)"), Limits()).generation;
  EXPECT_EQ(g.sampling.temperature, 5);
  EXPECT_EQ(g.sampling.frequency_penalty, -3);
  EXPECT_EQ(g.sampling.presence_penalty, 12.5);
  EXPECT_EQ(g.sampling.top_p, 1e-9);  // OpenAI's way to say: the likeliest alone
  for (const SamplerOption& option : sampler_options()) {
    EXPECT_LE(option.field_least, option.least) << option.name;
    EXPECT_GE(option.field_most, option.most) << option.name;
  }
}

TEST(Requests, MinusOneIsNoLimitAndNoSeed) {
  const auto r = kParseChat(chat(R"("max_tokens":-1,"seed":-1,"top_k":-1)"), Limits());
  EXPECT_EQ(r.generation.most_tokens, -1);
  EXPECT_FALSE(r.generation.seeded);
  EXPECT_EQ(r.generation.sampling.top_k, -1);
  EXPECT_EQ(kParseCompletion(R"({"prompt":"a","n_predict":-1})", Limits()).generation.most_tokens,
            -1);
}

TEST(Requests, DefaultsHoldWhereNothingIsSaid) {
  serve::Defaults defaults;
  defaults.sampling.temperature = 0.25;
  defaults.sampling.seed = 9;
  defaults.sampling.logit_bias = {{3, 1}};
  defaults.seeded = true;
  const auto plain = serve::parse_completion(R"({"prompt":"a"})", Limits(), defaults).generation;
  EXPECT_EQ(plain.sampling.temperature, 0.25);
  EXPECT_TRUE(plain.seeded);
  const auto said = serve::parse_completion(
      R"({"prompt":"a","temperature":1,"seed":-1,"logit_bias":{"4":2}})", Limits(), defaults);
  EXPECT_EQ(said.generation.sampling.temperature, 1);
  EXPECT_FALSE(said.generation.seeded);
  EXPECT_EQ(said.generation.sampling.logit_bias.size(), 1u);
  EXPECT_EQ(said.generation.biases.size(), 1u);
}

TEST(Requests, EveryOptionOfTheSamplerIsAField) {
  for (const SamplerOption& option : sampler_options()) {
    std::string name(option.main_name());
    std::ranges::replace(name, '-', '_');
    for (const std::string& field : {name, std::string(option.field)}) {
      if (field.empty()) continue;
      const double most = option.is_switch() ? 1 : std::min(option.field_most, 1e9);
      const std::string value = option.is_switch() ? "true" : value_text(most);
      const auto r = kParseChat(chat("\"" + field + "\":" + value), Limits());
      EXPECT_EQ(value_of(option, r.generation.sampling), most) << field;
    }
  }
}

TEST(Requests, TooManyValuesAreRefused) {
  std::string many = R"({"prompt":[1)";
  for (int i = 0; i < 300'000; ++i) many += ",1";
  refused({many + "]}", ""}, kParseCompletion);
}

TEST(Requests, EveryFieldArrives) {
  const auto request = serve::parse_chat(
      R"({"model":"x","messages":[{"role":"developer","content":"Be short."},{"role":"user","name":"Ann",
      "content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]},{"role":"assistant","content":null}],
      "temperature":0.5,"top_p":0,"min_p":0.25,"top_k":3,"frequency_penalty":-1,"presence_penalty":1.5,
      "repeat_penalty":1.1,"seed":5,"max_tokens":9,"max_completion_tokens":9,"stop":["a",""],"stream":true,
      "stream_options":{"include_usage":true},"n":1,"logit_bias":{"15":-100,"0":2.5},"user":"someone","tools":[],
      "logprobs":false,"response_format":{"type":"text"},"chat_template_kwargs":{"enable_thinking":false},
      "unknown":null})",
      Limits());
  EXPECT_EQ(to_text(request.messages),
            R"([{"role":"system","content":"Be short."},{"role":"user","content":[{"type":"text",)"
            R"("text":"one"},{"type":"text","text":"two"}],"name":"Ann"},)"
            R"({"role":"assistant","content":""}])");
  ASSERT_EQ(request.variables.size(), 1u);
  const serve::Generation& g = request.generation;
  EXPECT_EQ(g.sampling.temperature, 0.5);
  EXPECT_EQ(g.sampling.top_p, 1e-9);
  EXPECT_EQ(g.sampling.min_p, 0.25);
  EXPECT_EQ(g.sampling.top_k, 3);
  EXPECT_EQ(g.sampling.frequency_penalty, -1);
  EXPECT_EQ(g.sampling.presence_penalty, 1.5);
  EXPECT_EQ(g.sampling.repeat_penalty, 1.1);
  EXPECT_TRUE(g.seeded);
  EXPECT_EQ(g.sampling.seed, 5u);
  EXPECT_EQ(g.most_tokens, 9);
  EXPECT_EQ(g.stops, (std::vector<std::string>{"a", ""}));
  EXPECT_TRUE(g.stream && g.include_usage);
  EXPECT_EQ(g.biases.size(), 2u);
  EXPECT_NO_THROW(g.sampling.check());
}

TEST(Requests, NullIsAsIfItWereNotThere) {
  const auto request = serve::parse_completion(
      R"({"prompt":"a","stop":null,"max_tokens":null,"seed":null,"temperature":null,"stream":null,
      "stream_options":null,"logit_bias":null,"logprobs":null,"suffix":null,"echo":false,"n":null})",
      Limits());
  EXPECT_EQ(request.generation.most_tokens, 16);
  EXPECT_FALSE(request.generation.seeded || request.generation.stream);
}

TEST(Requests, APromptIsTextOrIds) {
  const auto prompt = [](const std::string& json) {
    const auto prompts = serve::parse_completion("{\"prompt\":" + json + "}", Limits()).prompts;
    EXPECT_EQ(prompts.size(), 1u);
    return prompts.front();
  };
  EXPECT_EQ(std::get<std::string>(prompt("\"a b\"")), "a b");
  EXPECT_EQ(std::get<std::string>(prompt("[\"a b\"]")), "a b");
  EXPECT_EQ(std::get<Ids>(prompt("[1,2,3]")), (Ids{1, 2, 3}));
  EXPECT_EQ(std::get<Ids>(prompt("[[1,2,3]]")), (Ids{1, 2, 3}));
  EXPECT_EQ(std::get<Ids>(prompt("[4]")), Ids{4});
  EXPECT_EQ(std::get<Ids>(prompt("[]")), Ids{});
  const auto several =
      serve::parse_completion(R"({"prompt":[[1,2],[3]],"echo":true,"logprobs":1})", Limits());
  ASSERT_EQ(several.prompts.size(), 2u);
  EXPECT_EQ(std::get<Ids>(several.prompts[1]), Ids{3});
  EXPECT_TRUE(several.generation.echo);
  EXPECT_EQ(several.generation.top_probabilities, 1);
  EXPECT_EQ(serve::parse_completion(R"({"prompt":["a","b","c"]})", Limits()).prompts.size(), 3u);
}

}  // namespace
}  // namespace bantam
