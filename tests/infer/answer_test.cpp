// Answers: where they stop, what text they give, and the reference model's own words.
#include "infer/answer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

// Logits that make `id` the likeliest.
std::vector<float> vote(std::int32_t id) {
  std::vector<float> logits(261, 0.0f);
  logits[static_cast<std::size_t>(id)] = 1;
  return logits;
}

AnswerOptions greedy_options() {
  AnswerOptions options;
  options.sampling.temperature = 0;
  return options;
}

struct Spoken {
  std::string shown;
  StopReason reason;
  std::size_t ids;
};

// Feeds the bytes of `script` as the model's choices ('$' is the end token) until the answer stops.
Spoken speak(AnswerOptions options, const std::string& script) {
  Answer answer(test::tiny_tokenizer(), std::move(options));
  Spoken spoken;
  for (const char c : script) {
    if (answer.stopped()) break;
    spoken.shown += answer.step(vote(c == '$' ? 260 : static_cast<unsigned char>(c)));
  }
  if (!answer.stopped()) spoken.shown += answer.stop(StopReason::context);
  spoken.reason = answer.reason();
  spoken.ids = answer.ids().size();
  EXPECT_EQ(answer.text(), spoken.shown);
  return spoken;
}

TEST(Answer, StopsForTheFirstReasonThatHolds) {
  struct Case {
    const char* script;
    std::int64_t most;
    std::vector<std::string> stops;
    const char* shown;
    StopReason reason;
    std::size_t ids;
  };
  const std::vector<Case> cases = {
      {"hello$more", -1, {}, "hello", StopReason::end, 6},
      {"hello", -1, {}, "hello", StopReason::context, 5},
      {"hello", 3, {}, "hel", StopReason::length, 3},
      {"hello", 0, {}, "", StopReason::length, 0},
      {"one two", -1, {" t"}, "one", StopReason::stop_string, 5},
      {"one two", 4, {" t"}, "one ", StopReason::length, 4},  // what was held back is shown
      {"one t$", -1, {" two"}, "one t", StopReason::end, 6},
      {"ab$", 2, {"b"}, "a", StopReason::stop_string, 2},
      {"\xe4\xbd\xa0!", -1, {}, "\xe4\xbd\xa0!", StopReason::context, 4},
      {"\xe4\xbd", -1, {}, "\xef\xbf\xbd", StopReason::context, 2},  // a cut character at the end
      {"\xe4\xbd\xa0\xe5\xa5\xbd",
       -1,
       {"\xe5\xa5\xbd"},
       "\xe4\xbd\xa0",
       StopReason::stop_string,
       6},
  };
  for (const Case& c : cases) {
    AnswerOptions options = greedy_options();
    options.most_tokens = c.most;
    options.stops = c.stops;
    const Spoken spoken = speak(options, c.script);
    EXPECT_EQ(spoken.shown, c.shown) << c.script;
    EXPECT_EQ(spoken.reason, c.reason) << c.script << ": " << stop_reason_name(spoken.reason);
    EXPECT_EQ(spoken.ids, c.ids) << c.script;
  }
}

TEST(Answer, NeverShowsPartOfACharacter) {
  AnswerOptions options = greedy_options();
  Answer answer(test::tiny_tokenizer(), options);
  const std::string text = "a\xe4\xbd\xa0\xf0\x9f\x98\x80z";
  std::vector<std::string> pieces;
  for (const char c : text) pieces.push_back(answer.step(vote(static_cast<unsigned char>(c))));
  EXPECT_EQ(pieces, (std::vector<std::string>{"a", "", "", "\xe4\xbd\xa0", "", "", "",
                                              "\xf0\x9f\x98\x80", "z"}));
}

TEST(Answer, ContinuesHalfACharacter) {
  AnswerOptions options = greedy_options();
  options.continues = {259, 0xe4, 0xbd};
  Answer answer(test::tiny_tokenizer(), options);
  EXPECT_EQ(answer.step(vote(0xa0)), "\xe4\xbd\xa0");
}

class Generate : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_tiny_gguf(folder_ / "m.gguf");
    file_ = std::make_shared<const ModelFile>(folder_ / "m.gguf");
    tokenizer_ = open_tokenizer(*file_->gguf());
  }
  test::ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_F(Generate, FillsTheContextAndNoMore) {
  SessionOptions options;
  options.context = 10;
  const std::vector<std::int32_t> prompt = {259, 65, 66};
  Session session(file_, options);
  AnswerOptions how;
  how.sampling.seed = 3;
  Answer answer(tokenizer_, how);
  generate(session, 0, prompt, answer);
  if (answer.reason() == StopReason::end) GTEST_SKIP() << "this seed ends early";
  EXPECT_EQ(answer.reason(), StopReason::context);
  // The last token needs no place: nothing follows it.
  EXPECT_EQ(answer.ids().size(), 8u);
}

TEST_F(Generate, RefusesAPromptLongerThanTheContextWithBothLengths) {
  SessionOptions options;
  options.context = 4;
  Session session(file_, options);
  for (const std::int64_t most : {0, 5}) {
    AnswerOptions how = greedy_options();
    how.most_tokens = most;
    Answer answer(tokenizer_, how);
    try {
      generate(session, 0, std::vector<std::int32_t>(5, 65), answer);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("5 tokens long, the context has room for 4"),
                std::string::npos)
          << error.what();
    }
  }
  Answer answer(tokenizer_, greedy_options());
  EXPECT_THROW(generate(session, 0, {}, answer), Error);
}

TEST_F(Generate, EvaluatesOnlyWhatIsNew) {
  Session session(file_);
  AnswerOptions how = greedy_options();
  how.most_tokens = 4;
  Answer first(tokenizer_, how), second(tokenizer_, how), fresh(tokenizer_, how);
  std::vector<std::int32_t> ids = {259, 65, 66, 67};
  EXPECT_EQ(generate(session, 0, ids, first).prompt_tokens, 4);
  ids.insert(ids.end(), first.ids().begin(), first.ids().end());
  ids.push_back(68);
  // The last token of an answer was not evaluated yet.
  EXPECT_EQ(generate(session, 0, ids, second).prompt_tokens, 2);
  Session other(file_);
  generate(other, 0, ids, fresh);
  EXPECT_TRUE(std::ranges::equal(fresh.ids(), second.ids()));
}

TEST_F(Generate, StopsWhenTheCallerSaysSo) {
  Session session(file_);
  Answer answer(tokenizer_, greedy_options());
  int pieces = 0;
  generate(session, 0, std::vector<std::int32_t>{259, 65}, answer,
           [&](std::string_view) { return ++pieces < 2; });
  EXPECT_TRUE(answer.reason() == StopReason::interrupted || answer.reason() == StopReason::end);
  Answer none(tokenizer_, greedy_options());
  generate(session, 0, std::vector<std::int32_t>{259, 65}, none, {}, [] { return false; });
  EXPECT_EQ(none.reason(), StopReason::interrupted);
}

TEST_F(Generate, SameSeedGivesTheSameTextInAnyNumberOfThreads) {
  std::vector<std::int32_t> expected;
  for (const unsigned threads : {1u, 2u, 3u}) {
    SessionOptions options;
    options.threads = threads;
    Session session(file_, options);
    AnswerOptions how;
    how.sampling.seed = 42;
    how.most_tokens = 30;
    Answer answer(tokenizer_, how);
    generate(session, 0, std::vector<std::int32_t>{259, 65}, answer);
    if (expected.empty()) expected.assign(answer.ids().begin(), answer.ids().end());
    EXPECT_TRUE(std::ranges::equal(answer.ids(), expected));
  }
}

// ---- the trained reference model
// ------------------------------------------------------------------

class Stories : public ::testing::TestWithParam<const char*> {};

Path stories(const std::string& name) {
  return test::shared_folder() / "models/stories260K" / name;
}

TEST_P(Stories, LogitsAreWithinAThousandth) {
  BANTAM_NEEDS_SHARED("models/stories260K");
  const Json about = parse_json(read_file(stories("logits.json")), "logits.json");
  const auto ids = about.at("tokens").get<std::vector<std::int32_t>>();
  const std::string reference = read_file(stories("logits.f32"));
  SessionOptions options;
  options.cache = Type::f32;
  Session session(std::make_shared<const ModelFile>(stories(GetParam())), options);
  ASSERT_EQ(reference.size(), ids.size() * 512 * sizeof(float));
  double worst = 0;
  const Session::Part part{0, ids, Session::Want::all};
  session.evaluate({&part, 1}, [&](std::size_t, std::size_t t, std::span<const float> logits) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
      float expected;
      std::memcpy(&expected, reference.data() + (t * 512 + i) * sizeof(float), sizeof expected);
      worst =
          std::max(worst, std::abs(static_cast<double>(logits[i]) - static_cast<double>(expected)));
    }
  });
  EXPECT_LT(worst, 1e-3);
}

TEST_P(Stories, GreedyAnswersAreTheReference) {
  BANTAM_NEEDS_SHARED("models/stories260K");
  const auto file = std::make_shared<const ModelFile>(stories(GetParam()));
  const auto tokenizer =
      open_tokenizer(file->gguf() ? stories(GetParam()) : Path(file->folder()->path()));
  SessionOptions options;
  options.cache = Type::f32;
  Session session(file, options);
  const Json cases = parse_json(read_file(stories("greedy.json")), "greedy.json");
  for (const Json& c : cases) {
    const auto prompt = c.at("prompt_ids").get<std::vector<std::int32_t>>();
    const auto expected = c.at("ids").get<std::vector<std::int32_t>>();
    const auto margin = c.at("margin").get<std::vector<double>>();
    EXPECT_EQ(tokenizer->encode(c.at("prompt").get<std::string>()), prompt);
    AnswerOptions how = greedy_options();
    how.most_tokens = static_cast<std::int64_t>(expected.size());
    how.continues = prompt;
    Answer answer(tokenizer, how);
    generate(session, 0, prompt, answer);
    for (std::size_t i = 0; i < expected.size() && i < answer.ids().size(); ++i) {
      if (answer.ids()[i] == expected[i]) continue;
      // Two float32 sums may choose differently where the reference hardly does.
      EXPECT_LT(margin[i], 1e-3) << c.at("prompt") << " step " << i;
      break;
    }
    if (std::ranges::equal(answer.ids(), expected)) {
      EXPECT_EQ(answer.text(), c.at("text").get<std::string>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, Stories, ::testing::Values("stories260K-f32.gguf", "hf"),
                         [](const auto& test) { return test.index == 0 ? "gguf" : "folder"; });

}  // namespace
}  // namespace bantam
