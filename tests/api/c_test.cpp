// The C interface: every function, and what becomes of wrong calls.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "api/models.h"
#include "bantam/bantam.h"

namespace {

constexpr int32_t kBegin = 259, kEnd = 260;  // of support/tiny_model.h
constexpr int kBoth = BANTAM_ADD_SPECIAL | BANTAM_PARSE_SPECIAL;

std::string path_of(const char* name) { return api_test::folder() + "/" + name; }

// A model that is closed with the test.
struct Opened {
  bantam_model* model = nullptr;
  bantam_error error{};
  explicit Opened(const char* name, const bantam_open_options* options = nullptr) {
    EXPECT_EQ(bantam_open(path_of(name).c_str(), options, &model, &error), BANTAM_OK)
        << error.message;
  }
  ~Opened() { bantam_close(model); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  std::vector<int32_t> encode(const std::string& text, int flags = kBoth) {
    std::vector<int32_t> ids(text.size() + 8);
    size_t count = 0;
    EXPECT_EQ(bantam_encode(model, text.data(), text.size(), flags, ids.data(), ids.size(), &count,
                            &error),
              BANTAM_OK)
        << error.message;
    ids.resize(count);
    return ids;
  }
  bool says(const char* part) const { return std::strstr(error.message, part) != nullptr; }
};

bantam_generate_options greedy(int64_t tokens) {
  bantam_generate_options options;
  bantam_generate_options_init(&options, sizeof options);
  options.temperature = 0;
  options.max_tokens = tokens;
  return options;
}

int collect(void* user, const char* text, size_t bytes) {
  static_cast<std::string*>(user)->append(text, bytes);
  return 0;
}

TEST(CApi, TheVersionIsTheHeaders) { EXPECT_STREQ(bantam_version(), BANTAM_VERSION); }

TEST(CApi, DescribesAModel) {
  Opened m("chat.gguf");
  bantam_description d{};
  d.size = sizeof d;
  ASSERT_EQ(bantam_describe(m.model, &d, &m.error), BANTAM_OK) << m.error.message;
  EXPECT_STREQ(d.family, "llama");
  EXPECT_STREQ(d.name, "tiny");
  EXPECT_GT(std::strlen(d.isa), 0u);
  EXPECT_EQ(d.vocabulary, 261);
  EXPECT_EQ(d.tokens, 261);
  EXPECT_EQ(d.context, 128);
  EXPECT_EQ(d.trained_context, 128);
  EXPECT_EQ(d.begin_token, kBegin);
  EXPECT_EQ(d.end_token, kEnd);
  EXPECT_EQ(d.has_chat_template, 1);
  EXPECT_EQ(bantam_is_end(m.model, kEnd), 1);
  for (const int32_t other : {0, kBegin, -1, 261, INT32_MAX})
    EXPECT_EQ(bantam_is_end(m.model, other), 0);
}

TEST(CApi, OpensAsTheOptionsSay) {
  bantam_open_options o;
  bantam_open_options_init(&o, sizeof o);
  o.context = 32;
  o.threads = 2;
  o.arithmetic = BANTAM_ARITHMETIC_BF16;
  o.cache = BANTAM_CACHE_F32;
  Opened m("plain.gguf", &o);
  bantam_description d{};
  d.size = sizeof d;
  ASSERT_EQ(bantam_describe(m.model, &d, nullptr), BANTAM_OK);
  EXPECT_EQ(d.context, 32);
  EXPECT_EQ(d.has_chat_template, 0);
}

TEST(CApi, TextBecomesTokensAndTextAgain) {
  Opened m("plain.gguf");
  // Bytes are their own ids; 258 is " the".
  EXPECT_EQ(m.encode("a the"), (std::vector<int32_t>{kBegin, 'a', 258}));
  EXPECT_EQ(m.encode("a</s>"), (std::vector<int32_t>{kBegin, 'a', kEnd}));
  EXPECT_EQ(m.encode("a</s>", BANTAM_PARSE_SPECIAL), (std::vector<int32_t>{'a', kEnd}));
  EXPECT_EQ(m.encode("</s>", 0), (std::vector<int32_t>{'<', '/', 's', '>'}));
  EXPECT_EQ(m.encode(std::string("\0x", 2), 0), (std::vector<int32_t>{0, 'x'}));
  EXPECT_TRUE(m.encode("", 0).empty());

  const int32_t ids[] = {kBegin, 'a', 258, 0xe4, 0xb8, 0xad, 0xff};
  char text[64];
  size_t bytes = 0;
  ASSERT_EQ(bantam_decode(m.model, ids, 7, 0, text, sizeof text, &bytes, &m.error), BANTAM_OK);
  EXPECT_EQ(std::string(text, bytes), "a the\xe4\xb8\xad\xef\xbf\xbd");
  ASSERT_EQ(
      bantam_decode(m.model, ids, 2, BANTAM_SHOW_SPECIAL, text, sizeof text, &bytes, &m.error),
      BANTAM_OK);
  EXPECT_EQ(std::string(text, bytes), "<s>a");
}

TEST(CApi, ABufferThatIsTooSmallIsLeftAloneAndTheSizeTold) {
  Opened m("chat.gguf");
  int32_t ids[2] = {-7, -7};
  size_t size = 0;
  EXPECT_EQ(bantam_encode(m.model, "abc", 3, kBoth, ids, 2, &size, &m.error), BANTAM_TOO_SMALL);
  EXPECT_EQ(size, 4u);
  EXPECT_EQ(ids[0], -7);
  EXPECT_TRUE(m.says("holds 2, 4 are needed")) << m.error.message;
  EXPECT_EQ(bantam_encode(m.model, "abc", 3, kBoth, nullptr, 0, &size, &m.error), BANTAM_TOO_SMALL);

  const int32_t abc[] = {'a', 'b', 'c'};
  char text[2] = {'?', '?'};
  EXPECT_EQ(bantam_decode(m.model, abc, 3, 0, text, 2, &size, &m.error), BANTAM_TOO_SMALL);
  EXPECT_EQ(size, 3u);
  EXPECT_EQ(text[0], '?');

  const bantam_message hello{"user", "hello"};
  EXPECT_EQ(bantam_render_chat(m.model, &hello, 1, text, 2, &size, &m.error), BANTAM_TOO_SMALL);
  EXPECT_GT(size, 2u);

  float logits[261];
  EXPECT_EQ(bantam_logits(m.model, abc, 3, 2, logits, 261, &m.error), BANTAM_TOO_SMALL);
  EXPECT_TRUE(m.says("holds 261, 522 are needed")) << m.error.message;
}

TEST(CApi, AConversationBecomesAPrompt) {
  Opened m("chat.gguf");
  const bantam_message messages[] = {{"system", "Be kind."}, {"user", "hello"}};
  char text[256];
  size_t bytes = 0;
  ASSERT_EQ(bantam_render_chat(m.model, messages, 2, text, sizeof text, &bytes, &m.error),
            BANTAM_OK)
      << m.error.message;
  EXPECT_EQ(std::string(text, bytes), "<s>[system] Be kind.\n[user] hello\n[assistant] ");

  const bantam_message refused{"tool", "x"};
  EXPECT_EQ(bantam_render_chat(m.model, &refused, 1, text, sizeof text, &bytes, &m.error),
            BANTAM_FAILED);
  EXPECT_TRUE(m.says("no tools here")) << m.error.message;
  Opened plain("plain.gguf");
  EXPECT_EQ(bantam_render_chat(plain.model, messages, 2, text, sizeof text, &bytes, &plain.error),
            BANTAM_FAILED);
  EXPECT_TRUE(plain.says("no chat template")) << plain.error.message;
}

TEST(CApi, WritesWhatTheRoomsWrite) {
  for (const char* name : {"plain.gguf", "chat.gguf", "folder"})
    for (const int64_t seed : {-1, 7}) {
      Opened m(name);
      const std::vector<int32_t> prompt = m.encode("the other");
      bantam_generate_options o;
      bantam_generate_options_init(&o, sizeof o);
      o.max_tokens = 40;
      if (seed < 0)
        o.temperature = 0;
      else
        o.seed = static_cast<uint64_t>(seed);
      std::string text;
      int32_t ids[8];
      bantam_result r{};
      r.size = sizeof r;
      r.tokens = ids;
      r.capacity = 8;
      ASSERT_EQ(
          bantam_generate(m.model, prompt.data(), prompt.size(), &o, collect, &text, &r, &m.error),
          BANTAM_OK)
          << m.error.message;
      EXPECT_EQ(text, api_test::text_after(path_of(name), prompt, 40, seed)) << name << seed;
      EXPECT_GT(r.count, 8u);
      EXPECT_EQ(r.prompt_tokens, static_cast<int64_t>(prompt.size()));
      EXPECT_EQ(r.stop, r.count == 40 ? BANTAM_STOP_LENGTH : BANTAM_STOP_END);
      EXPECT_GT(r.prompt_seconds, 0);
      // The ids that were written are those of the text's beginning.
      char beginning[256];
      size_t bytes = 0;
      ASSERT_EQ(bantam_decode(m.model, ids, 8, 0, beginning, sizeof beginning, &bytes, &m.error),
                BANTAM_OK);
      EXPECT_EQ(text.substr(0, 2), std::string(beginning, bytes).substr(0, 2));
    }
}

TEST(CApi, SaysWhyItStopped) {
  bantam_open_options small;
  bantam_open_options_init(&small, sizeof small);
  small.context = 16;
  Opened m("plain.gguf"), narrow("plain.gguf", &small);
  const std::vector<int32_t> prompt = m.encode("the other");
  bantam_result full{};
  full.size = sizeof full;
  const bantam_generate_options endless = greedy(-1);
  EXPECT_EQ(bantam_generate(narrow.model, prompt.data(), prompt.size(), &endless, nullptr, nullptr,
                            &full, nullptr),
            BANTAM_OK);
  EXPECT_EQ(full.stop, BANTAM_STOP_CONTEXT);
  EXPECT_EQ(full.count, 17 - prompt.size());
  const auto stop = [&](const bantam_generate_options& o, bantam_on_text hear, void* user) {
    bantam_result r{};
    r.size = sizeof r;
    EXPECT_EQ(bantam_generate(m.model, prompt.data(), prompt.size(), &o, hear, user, &r, &m.error),
              BANTAM_OK)
        << m.error.message;
    return r.stop;
  };
  std::string text;
  EXPECT_EQ(stop(greedy(0), collect, &text), BANTAM_STOP_LENGTH);
  EXPECT_EQ(text, "");
  EXPECT_EQ(stop(greedy(15), collect, &text), BANTAM_STOP_LENGTH);
  const std::string whole = text;
  ASSERT_GT(whole.size(), 12u);

  const std::string word = whole.substr(6, 3);
  const char* stops[] = {word.c_str()};
  bantam_generate_options o = greedy(30);
  o.stops = stops;
  o.stop_count = 1;
  text.clear();
  EXPECT_EQ(stop(o, collect, &text), BANTAM_STOP_TEXT);
  EXPECT_EQ(text, whole.substr(0, whole.find(word)));

  const bantam_on_text never = [](void*, const char*, size_t) { return 1; };
  EXPECT_EQ(stop(greedy(30), never, nullptr), BANTAM_STOP_CALLER);
  EXPECT_EQ(stop(greedy(-1), nullptr, nullptr), BANTAM_STOP_END);
}

TEST(CApi, AStopBetweenPassesComesBeforeAnyText) {
  Opened m("plain.gguf");
  const std::vector<int32_t> prompt = m.encode("the other");
  int calls = 0;
  const bantam_on_text count = [](void* user, const char*, size_t bytes) {
    ++*static_cast<int*>(user);
    return bytes == 0 ? 1 : 0;
  };
  bantam_result r{};
  r.size = sizeof r;
  const bantam_generate_options o = greedy(100);
  ASSERT_EQ(bantam_generate(m.model, prompt.data(), prompt.size(), &o, count, &calls, &r, &m.error),
            BANTAM_OK);
  EXPECT_EQ(r.stop, BANTAM_STOP_CALLER);
  EXPECT_LE(r.count, 1u);
  EXPECT_LE(calls, 3);
}

TEST(CApi, LogitsAreThoseOfTheRoomsHoweverTheyAreAskedFor) {
  Opened m("chat.gguf");
  const std::vector<int32_t> ids = m.encode("the others say that");
  const std::vector<float> all = api_test::all_logits(path_of("chat.gguf"), ids);
  for (const size_t rows : {ids.size(), size_t{1}, size_t{5}, ids.size() - 1}) {
    std::vector<float> got(rows * 261);
    ASSERT_EQ(
        bantam_logits(m.model, ids.data(), ids.size(), rows, got.data(), got.size(), &m.error),
        BANTAM_OK)
        << m.error.message;
    EXPECT_EQ(std::memcmp(got.data(), all.data() + all.size() - got.size(), got.size() * 4), 0)
        << rows;
  }
}

TEST(CApi, TwoModelsInTwoThreadsDoNotKnowOfEachOther) {
  const char* names[] = {"plain.gguf", "chat.gguf"};
  std::string texts[2];
  std::thread threads[2];
  for (int i = 0; i < 2; ++i)
    threads[i] = std::thread([&, i] {
      for (int round = 0; round < 3; ++round) {
        Opened m(names[i]);
        const std::vector<int32_t> prompt = m.encode("the other");
        const bantam_generate_options o = greedy(40);
        texts[i].clear();
        EXPECT_EQ(bantam_generate(m.model, prompt.data(), prompt.size(), &o, collect, &texts[i],
                                  nullptr, &m.error),
                  BANTAM_OK);
      }
    });
  for (std::thread& t : threads) t.join();
  for (int i = 0; i < 2; ++i) {
    Opened m(names[i]);
    EXPECT_EQ(texts[i], api_test::text_after(path_of(names[i]), m.encode("the other"), 40, -1));
  }
}

TEST(CApi, OneModelEncodesWhileItWritesAndRefusesASecondAnswer) {
  Opened m("plain.gguf");
  const std::vector<int32_t> prompt = m.encode("the other");
  const bantam_generate_options o = greedy(3);
  struct State {
    Opened* m;
    bantam_status status;
    size_t count;
    bantam_error error;
  } state{&m, BANTAM_OK, 0, {}};
  const bantam_on_text again = [](void* user, const char*, size_t) {
    auto& s = *static_cast<State*>(user);
    const int32_t one = 'a';
    int32_t ids[8];
    EXPECT_EQ(bantam_encode(s.m->model, "abc", 3, 0, ids, 8, &s.count, nullptr), BANTAM_OK);
    s.status = bantam_generate(s.m->model, &one, 1, nullptr, nullptr, nullptr, nullptr, &s.error);
    float row[261];
    EXPECT_EQ(bantam_logits(s.m->model, &one, 1, 1, row, 261, nullptr), BANTAM_MISUSE);
    return 0;
  };
  ASSERT_EQ(
      bantam_generate(m.model, prompt.data(), prompt.size(), &o, again, &state, nullptr, &m.error),
      BANTAM_OK);
  EXPECT_EQ(state.status, BANTAM_MISUSE);
  EXPECT_NE(std::strstr(state.error.message, "in use"), nullptr);
  EXPECT_EQ(state.count, 3u);
}

TEST(CApi, FilesThatCannotBeOpenedAreNamed) {
  std::ofstream(path_of("bad.gguf")) << "GGUF, but not really";
  for (const char* name : {"none.gguf", "bad.gguf", "."}) {
    bantam_error error{};
    auto* model = reinterpret_cast<bantam_model*>(1);
    EXPECT_EQ(bantam_open(path_of(name).c_str(), nullptr, &model, &error), BANTAM_FAILED) << name;
    EXPECT_EQ(model, nullptr);
    EXPECT_NE(std::strstr(error.message, api_test::folder().c_str()), nullptr) << error.message;
    EXPECT_EQ(bantam_open(path_of(name).c_str(), nullptr, &model, nullptr), BANTAM_FAILED);
  }
}

TEST(CApi, TokensThatDoNotFitAreRefused) {
  Opened m("plain.gguf");
  const auto refusal = [&](const std::vector<int32_t>& ids) -> std::string {
    EXPECT_EQ(bantam_generate(m.model, ids.data(), ids.size(), nullptr, nullptr, nullptr, nullptr,
                              &m.error),
              BANTAM_FAILED);
    std::string generate = m.error.message;
    if (!ids.empty()) {
      float row[261];
      EXPECT_EQ(bantam_logits(m.model, ids.data(), ids.size(), 1, row, 261, &m.error),
                BANTAM_FAILED);
      EXPECT_EQ(generate, m.error.message);
    }
    return generate;
  };
  EXPECT_NE(refusal({}).find("no tokens"), std::string::npos);
  EXPECT_NE(refusal({1, 261}).find("no token 261"), std::string::npos);
  EXPECT_NE(refusal({-1}).find("no token -1"), std::string::npos);
  EXPECT_NE(refusal(std::vector<int32_t>(129, 'a')).find("129"), std::string::npos);
  const int32_t bad = 261;
  char text[8];
  size_t bytes = 0;
  EXPECT_EQ(bantam_decode(m.model, &bad, 1, 0, text, 8, &bytes, &m.error), BANTAM_FAILED);
  EXPECT_GT(std::strlen(m.error.message), 0u);
  // Afterwards the model is as good as before.
  EXPECT_EQ(m.encode("a", 0), std::vector<int32_t>{'a'});
  EXPECT_STREQ(m.error.message, "");
}

struct WrongCall {
  const char* name;
  bantam_status (*call)(bantam_model* model, bantam_error* error);
  const char* message;
};

int32_t ids[4] = {'a', 'b', 'c', 'd'};
size_t size_out;
float row[261];
char text[64];

bantam_status open_with(void (*change)(bantam_open_options& o), bantam_error* error) {
  bantam_open_options o;
  bantam_open_options_init(&o, sizeof o);
  change(o);
  bantam_model* model = nullptr;
  const bantam_status status = bantam_open(path_of("plain.gguf").c_str(), &o, &model, error);
  bantam_close(model);
  return status;
}

bantam_status generate_with(bantam_model* model, void (*change)(bantam_generate_options& o),
                            bantam_error* error) {
  bantam_generate_options o = greedy(3);
  change(o);
  return bantam_generate(model, ids, 4, &o, nullptr, nullptr, nullptr, error);
}

const WrongCall kWrongCalls[] = {
    {"open_null",
     [](bantam_model*, bantam_error* e) {
       bantam_model* m = nullptr;
       return bantam_open(nullptr, nullptr, &m, e);
     },
     "path is NULL"},
    {"open_to_null",
     [](bantam_model*, bantam_error* e) { return bantam_open("x", nullptr, nullptr, e); },
     "model is NULL"},
    {"open_without_size",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.size = 0; }, e);
     },
     "bantam_open_options.size is 0"},
    {"open_of_the_future",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.size += 8; }, e);
     },
     "newer libbantam"},
    {"open_threads",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.threads = -1; }, e);
     },
     "threads is -1"},
    {"open_many_threads",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.threads = INT64_MAX; }, e);
     },
     "threads is 9223372036854775807"},
    {"open_context",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.context = int64_t{1} << 60; }, e);
     },
     "context is"},
    {"open_arithmetic",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.arithmetic = 5; }, e);
     },
     "arithmetic is 5; there are 0 to 4"},
    {"open_cache",
     [](bantam_model*, bantam_error* e) {
       return open_with([](bantam_open_options& o) { o.cache = -1; }, e);
     },
     "cache is -1"},
    {"describe_null",
     [](bantam_model*, bantam_error* e) {
       bantam_description d{};
       d.size = sizeof d;
       return bantam_describe(nullptr, &d, e);
     },
     "model is NULL"},
    {"describe_to_null",
     [](bantam_model* m, bantam_error* e) { return bantam_describe(m, nullptr, e); },
     "description is NULL"},
    {"describe_without_size",
     [](bantam_model* m, bantam_error* e) {
       bantam_description d{};
       return bantam_describe(m, &d, e);
     },
     "bantam_description.size is 0"},
    {"encode_null",
     [](bantam_model*, bantam_error* e) {
       return bantam_encode(nullptr, "a", 1, 0, ids, 4, &size_out, e);
     },
     "model is NULL"},
    {"encode_no_text",
     [](bantam_model* m, bantam_error* e) {
       return bantam_encode(m, nullptr, 1, 0, ids, 4, &size_out, e);
     },
     "text is NULL"},
    {"encode_huge",
     [](bantam_model* m, bantam_error* e) {
       return bantam_encode(m, "a", SIZE_MAX, 0, ids, 4, &size_out, e);
     },
     "more than text can have"},
    {"encode_to_null",
     [](bantam_model* m, bantam_error* e) {
       return bantam_encode(m, "a", 1, 0, nullptr, 4, &size_out, e);
     },
     "tokens is NULL"},
    {"encode_huge_buffer",
     [](bantam_model* m, bantam_error* e) {
       return bantam_encode(m, "a", 1, 0, ids, SIZE_MAX / 4, &size_out, e);
     },
     "more than tokens can have"},
    {"encode_no_count",
     [](bantam_model* m, bantam_error* e) {
       return bantam_encode(m, "a", 1, 0, ids, 4, nullptr, e);
     },
     "count is NULL"},
    {"encode_flags",
     [](bantam_model* m, bantam_error* e) {
       return bantam_encode(m, "a", 1, 4, ids, 4, &size_out, e);
     },
     "flags"},
    {"decode_null",
     [](bantam_model*, bantam_error* e) {
       return bantam_decode(nullptr, ids, 1, 0, text, 64, &size_out, e);
     },
     "model is NULL"},
    {"decode_no_tokens",
     [](bantam_model* m, bantam_error* e) {
       return bantam_decode(m, nullptr, 1, 0, text, 64, &size_out, e);
     },
     "tokens is NULL"},
    {"decode_flags",
     [](bantam_model* m, bantam_error* e) {
       return bantam_decode(m, ids, 1, 2, text, 64, &size_out, e);
     },
     "flags"},
    {"decode_no_size",
     [](bantam_model* m, bantam_error* e) {
       return bantam_decode(m, ids, 1, 0, text, 64, nullptr, e);
     },
     "bytes is NULL"},
    {"chat_no_messages",
     [](bantam_model* m, bantam_error* e) {
       return bantam_render_chat(m, nullptr, 1, text, 64, &size_out, e);
     },
     "messages is NULL"},
    {"chat_no_content",
     [](bantam_model* m, bantam_error* e) {
       const bantam_message message{"user", nullptr};
       return bantam_render_chat(m, &message, 1, text, 64, &size_out, e);
     },
     "content of a message is NULL"},
    {"generate_null",
     [](bantam_model*, bantam_error* e) {
       return bantam_generate(nullptr, ids, 4, nullptr, nullptr, nullptr, nullptr, e);
     },
     "model is NULL"},
    {"generate_no_prompt",
     [](bantam_model* m, bantam_error* e) {
       return bantam_generate(m, nullptr, 4, nullptr, nullptr, nullptr, nullptr, e);
     },
     "prompt is NULL"},
    {"generate_without_size",
     [](bantam_model* m, bantam_error* e) {
       return generate_with(
           m, [](bantam_generate_options& o) { o.size = 8; }, e);
     },
     "bantam_generate_options.size is 8"},
    {"generate_temperature",
     [](bantam_model* m, bantam_error* e) {
       return generate_with(
           m, [](bantam_generate_options& o) { o.temperature = -1; }, e);
     },
     "temperature"},
    {"generate_nan",
     [](bantam_model* m, bantam_error* e) {
       return generate_with(
           m, [](bantam_generate_options& o) { o.top_p = std::nan(""); }, e);
     },
     "top"},
    {"generate_no_stops",
     [](bantam_model* m, bantam_error* e) {
       return generate_with(
           m, [](bantam_generate_options& o) { o.stop_count = 1; }, e);
     },
     "stops is NULL"},
    {"generate_null_stop",
     [](bantam_model* m, bantam_error* e) {
       static const char* const none[] = {nullptr};
       return generate_with(
           m, [](bantam_generate_options& o) { o.stop_count = 1, o.stops = none; }, e);
     },
     "one of the stops is NULL"},
    {"generate_result",
     [](bantam_model* m, bantam_error* e) {
       bantam_result r{};
       return bantam_generate(m, ids, 4, nullptr, nullptr, nullptr, &r, e);
     },
     "bantam_result.size is 0"},
    {"generate_result_tokens",
     [](bantam_model* m, bantam_error* e) {
       bantam_result r{};
       r.size = sizeof r;
       r.capacity = 1;
       return bantam_generate(m, ids, 4, nullptr, nullptr, nullptr, &r, e);
     },
     "result.tokens is NULL"},
    {"logits_no_rows",
     [](bantam_model* m, bantam_error* e) { return bantam_logits(m, ids, 4, 0, row, 261, e); },
     "rows is 0 of 4"},
    {"logits_many_rows",
     [](bantam_model* m, bantam_error* e) { return bantam_logits(m, ids, 4, 5, row, 261, e); },
     "rows is 5 of 4"},
    {"logits_to_null",
     [](bantam_model* m, bantam_error* e) { return bantam_logits(m, ids, 4, 1, nullptr, 261, e); },
     "logits is NULL"},
};

TEST(CApi, WrongCallsAreMisuseAndSayWhatIsWrong) {
  Opened m("chat.gguf");
  for (const WrongCall& wrong : kWrongCalls) {
    bantam_error error{};
    EXPECT_EQ(wrong.call(m.model, &error), BANTAM_MISUSE) << wrong.name;
    EXPECT_NE(std::strstr(error.message, wrong.message), nullptr)
        << wrong.name << ": " << error.message;
    EXPECT_EQ(wrong.call(m.model, nullptr), BANTAM_MISUSE) << wrong.name;
  }
  bantam_close(nullptr);
  bantam_open_options_init(nullptr, 1000);
  bantam_generate_options_init(nullptr, 1000);
  EXPECT_EQ(bantam_is_end(nullptr, 1), 0);
}

// A program that was compiled with an older or newer header.
TEST(CApi, StructuresAreReadAndWrittenAsFarAsTheirSizeSays) {
  struct {
    bantam_generate_options o;
    int64_t later;
  } newer;
  bantam_generate_options_init(&newer.o, sizeof newer);
  EXPECT_EQ(newer.o.size, sizeof newer);
  EXPECT_EQ(newer.later, 0);
  unsigned char older[16];
  std::memset(older, 0x55, sizeof older);
  bantam_generate_options_init(reinterpret_cast<bantam_generate_options*>(older), sizeof older);
  for (const unsigned char byte : older) EXPECT_EQ(byte, 0x55);
}

TEST(CApi, AnErrorThatIsTooLongIsCutBetweenCharacters) {
  std::string path = "x";
  for (int i = 0; i < 600; ++i) path += "\xc3\xa4";
  bantam_error error;
  bantam_model* model = nullptr;
  ASSERT_EQ(bantam_open(path.c_str(), nullptr, &model, &error), BANTAM_FAILED);
  const size_t length = strnlen(error.message, sizeof error.message);
  ASSERT_LT(length, sizeof error.message);
  EXPECT_NE(static_cast<unsigned char>(error.message[length - 1]), 0xc3);
}

}  // namespace
