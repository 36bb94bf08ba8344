// What a teacher writes is what it answers anybody, by its own tokenizer and template; it is learnt as if it had
// stood in the records, and kept through every kill.
#include "adapt/teacher_writes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "adapt/run.h"
#include "base/error.h"
#include "chat/prompt.h"
#include "data/questions.h"
#include "infer/answer.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

// A tokenizer that shares nothing but its size with that of the student.
std::shared_ptr<const Tokenizer> other_tokenizer() {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte) t.tokens.push_back(std::string(1, static_cast<char>(byte)));
  t.merges = {{'b', 'b'}, {'q', '1'}, {'<', 'u'}};
  t.tokens.insert(t.tokens.end(), {"bb", "q1", "<u", "<s>", "</s>"});
  t.special = {259, 260};
  t.pre_tokenizer = "gpt-2";
  t.chat_template =
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}";
  t.bos = 259;
  t.eos = 260;
  return make_tokenizer(std::move(t));
}

std::string read_whole(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TeacherWrites : public testing::Test {
 protected:
  // A teacher that has learnt eight answers, of one to four letters.
  static void SetUpTestSuite() {
    scratch_ = new test::ScratchFolder;
    test::TinyModel tiny;
    tiny.chat_template =
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}";
    test::write_tiny_gguf(at("student.gguf"), tiny);
    tiny.seed = 5;
    {
      const Config config = test::tiny_config(tiny);
      const Family& family = family_by_gguf(config.family, "teacher");
      const std::unique_ptr<Model> model = family.make(config);
      GgufWriter writer(at("untaught.gguf"));
      write_tokenizer(*other_tokenizer(), writer);
      write_gguf(*model, family, writer, test::tiny_rows(tiny), test::tiny_type(tiny, true));
    }
    std::ofstream lessons(at("lessons.jsonl"));
    for (int i = 0; i < 8; ++i)
      lessons << R"({"prompt":"q)" << i << R"(","completion":")" << std::string(static_cast<std::size_t>(i % 4), 'b') << "c\"}\n";
    lessons.close();
    TuneRequest r;
    r.model = at("untaught.gguf");
    r.data = at("lessons.jsonl");
    r.out = at("teacher.gguf");
    r.method = Method::full;
    r.batch = 8;
    r.steps = 150;
    r.rate = 3e-3;
    r.validation = 0;
    ASSERT_LT(run_tuning(r, {}).loss, 0.05);
    std::ofstream questions(at("questions.jsonl"));
    for (int i = 0; i < 8; ++i)
      questions << R"({"prompt":"q)" << i << (i % 2 ? R"("})" : R"(","completion":"another answer"})") << "\n";
  }
  static void TearDownTestSuite() { delete scratch_; }
  static Path at(const std::string& name) { return *scratch_ / name; }

  static TuneRequest request(const char* out) {
    TuneRequest r;
    r.model = at("student.gguf");
    r.data = at("questions.jsonl");
    r.out = at(out);
    r.teacher = at("teacher.gguf");
    r.teacher_writes = true;
    r.writing.most_tokens = 24;
    r.batch = 4;
    r.steps = 4;
    r.rank = 2;
    r.rate = 1e-2;
    r.arithmetic = Arithmetic::f32;
    return r;
  }
  static std::string adapter(const char* out) { return read_whole(at(out) / "adapter_model.safetensors"); }
  static ChatData written(const WritingSettings& settings, std::vector<std::string>& lines, const char* kept) {
    TeacherWriter writer(at("teacher.gguf"), read_questions(at("questions.jsonl")), settings, {});
    EXPECT_TRUE(writer.write(at(kept), 2, [](std::int64_t) { return true; }));
    return writer.take(lines);
  }
  // What `generate` answers.
  static std::string generated(const std::string& question, StopReason& reason) {
    const auto file = std::make_shared<const ModelFile>(at("teacher.gguf"));
    const auto tokenizer = tokenizer_of(*file);
    const auto chat = own_template(*tokenizer, "teacher");
    const ChatPrompt prompt = make_prompt(*tokenizer, *chat, Json::array({{{"role", "user"}, {"content", question}}}));
    AnswerOptions options;
    options.sampling.temperature = 0;
    options.most_tokens = 24;
    Answer answer(tokenizer, options);
    Session session(file);
    generate(session, 0, prompt.ids, answer);
    reason = answer.reason();
    return answer.text();
  }

  static test::ScratchFolder* scratch_;
};
test::ScratchFolder* TeacherWrites::scratch_ = nullptr;

TEST_F(TeacherWrites, WhatItAnswersAnybody) {
  std::vector<std::string> lines;
  const ChatData data = written({24, 0, 1}, lines, "kept");
  ASSERT_EQ(data.records.size(), 8u);
  std::set<std::string> different;
  for (int i = 0; i < 8; ++i) {
    const Json& messages = data.records[static_cast<std::size_t>(i)].messages;
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0]["content"], "q" + std::to_string(i));
    StopReason reason{};
    EXPECT_EQ(messages[1]["content"], generated("q" + std::to_string(i), reason));
    EXPECT_EQ(reason, StopReason::end);
    EXPECT_EQ(messages[1]["role"], "assistant");
    different.insert(messages[1]["content"].get<std::string>());
  }
  EXPECT_GE(different.size(), 3u);  // it has learnt something to say
  EXPECT_EQ(lines, std::vector<std::string>{"the teacher wrote 8 answers"});
}

TEST_F(TeacherWrites, WhatDoesNotEndIsLeftOutAndCounted) {
  std::vector<std::string> lines;
  const ChatData data = written({3, 0, 1}, lines, "short");  // of "bbb" nothing ends within 3 tokens
  std::size_t ending = 0;
  for (int i = 0; i < 8; ++i) {
    StopReason reason{};
    const std::string text = generated("q" + std::to_string(i), reason);
    const auto tokens = other_tokenizer()->encode(text, {false, false}).size() + 1;
    if (tokens > 3) continue;
    ASSERT_LT(ending, data.records.size());
    EXPECT_EQ(data.records[ending++].messages[1]["content"], text);
  }
  EXPECT_EQ(ending, data.records.size());
  EXPECT_GT(ending, 0u);
  EXPECT_LT(ending, 8u);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], "left out: " + std::to_string(8 - ending) + " that did not end within 3 tokens (--teacher-tokens) or the teacher's context");
  TuneRequest r = request("none");
  r.writing.most_tokens = 1;
  try {
    run_tuning(r, {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--teacher-tokens"), std::string::npos) << error.what();
  }
}

// By a teacher that knows nothing, so that much can be drawn.
TEST_F(TeacherWrites, DrawnAnswersDependOnTheSeedAndTheirPlaceAlone) {
  const auto drawn = [](std::uint64_t seed, const char* kept, unsigned threads) {
    TeacherWriter writer(at("untaught.gguf"), read_questions(at("questions.jsonl")), {8, 1.5, seed}, {});
    EXPECT_TRUE(writer.write(at(kept), threads, [](std::int64_t) { return true; }));
    const std::string lines = read_whole(at(kept));
    return lines.substr(lines.find('\n') + 1);
  };
  const std::string first = drawn(1, "drawn", 1);
  EXPECT_EQ(drawn(1, "drawn again", 2), first);
  EXPECT_NE(drawn(2, "drawn", 1), first);
  std::istringstream lines(first);
  std::string line;
  for (std::uint64_t place = 0; std::getline(lines, line); ++place) {
    const auto file = std::make_shared<const ModelFile>(at("untaught.gguf"));
    const auto tokenizer = tokenizer_of(*file);
    const Json question = Json::array({{{"role", "user"}, {"content", "q" + std::to_string(place)}}});
    const ChatPrompt prompt = make_prompt(*tokenizer, *own_template(*tokenizer, "teacher"), question);
    AnswerOptions options;
    options.sampling.temperature = 1.5;
    options.sampling.seed = 1;
    options.stream = place;
    options.most_tokens = 8;
    Answer answer(tokenizer, options);
    Session session(file);
    generate(session, 0, prompt.ids, answer);
    EXPECT_EQ(Json::parse(line)["text"], Json::parse(to_text(Json(answer.text())))) << place;
  }
}

TEST_F(TeacherWrites, IsLearntAsIfItHadStoodInTheRecords) {
  run_tuning(request("taught"), {});
  EXPECT_FALSE(std::filesystem::exists(at("taught.run")));  // nothing of it stays
  std::vector<std::string> lines;
  std::ofstream file(at("as if.jsonl"));
  for (const ChatRecord& r : written({24, 0, 1}, lines, "as if kept").records) file << Json{{"messages", r.messages}}.dump() << "\n";
  file.close();
  TuneRequest r = request("as if");
  r.data = at("as if.jsonl");
  r.teacher.reset();
  r.teacher_writes = false;
  run_tuning(r, {});
  EXPECT_FALSE(adapter("taught").empty());
  EXPECT_TRUE(adapter("taught") == adapter("as if"));
}

TEST_F(TeacherWrites, GoesOnAfterAKillToTheSameBytes) {
  TuneOptions options;
  options.threads = 1;
  bool training = false;
  options.say = [&](const std::string& line) { training |= line.starts_with("trained:"); };
  options.stop = [&] { return training; };
  EXPECT_FALSE(run_tuning(request("one"), options).finished);
  const std::string whole = read_whole(at("one.run") / "answers");
  EXPECT_EQ(std::ranges::count(whole, '\n'), 9);
  EXPECT_EQ(std::filesystem::status(at("one.run") / "answers").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  options.stop = [] { return false; };
  options.resume = true;
  EXPECT_TRUE(run_tuning(request("one"), options).finished);

  // In the middle of writing, with a line that the kill has cut.
  options.threads = 2;
  options.resume = false;
  training = false;
  int passes = 0;
  options.stop = [&] { return ++passes > 9; };
  EXPECT_FALSE(run_tuning(request("two"), options).finished);
  EXPECT_FALSE(training);
  const Path kept = at("two.run") / "answers";
  const auto some = std::ranges::count(read_whole(kept), '\n');
  EXPECT_GT(some, 1);
  EXPECT_LT(some, 9);
  std::ofstream(kept, std::ios::app) << R"({"record":7,"end":"end","te)";
  options.resume = true;
  options.stop = [&] { return training; };
  EXPECT_FALSE(run_tuning(request("two"), options).finished);
  EXPECT_EQ(read_whole(kept), whole);
  options.stop = [] { return false; };
  EXPECT_TRUE(run_tuning(request("two"), options).finished);
  EXPECT_TRUE(adapter("one") == adapter("two"));
}

TEST_F(TeacherWrites, WhatCannotBeAskedIsRefusedBeforeAnythingIsWritten) {
  std::ofstream(at("mixed.jsonl")) << "{\"prompt\":\"q1\"}\n{\"text\":\"no question\"}\n{\"prompt\":\"q2\"}\n";
  TuneRequest r = request("mixed");
  r.data = at("mixed.jsonl");
  try {
    run_tuning(r, {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("asks nothing"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(":2:"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(at("mixed.run")));
  r.skip_broken = true;
  EXPECT_EQ(run_tuning(r, {}).examples, 2);
}

TEST_F(TeacherWrites, WhatIsKeptForAnotherPurposeIsWrittenAnew) {
  std::vector<std::string> lines;
  written({24, 0, 1}, lines, "purpose");
  const std::string first = read_whole(at("purpose"));
  std::string bent = first;
  bent.replace(bent.find("bc"), 2, "xy");  // taken as it is, when it is for the same
  std::ofstream(at("purpose"), std::ios::binary) << bent;
  EXPECT_NE(written({24, 0, 1}, lines, "purpose").records.size(), 0u);
  EXPECT_EQ(read_whole(at("purpose")), bent);
  const TeacherWriter other(at("teacher.gguf"), read_questions(at("questions.jsonl")), {23, 0, 1}, {});
  EXPECT_THROW(other.require_kept(at("purpose"), false), Error);  // it may have taken an hour
  other.require_kept(at("purpose"), true);
  other.require_kept(at("nothing there"), false);
  EXPECT_EQ(read_whole(at("purpose")), bent);
  written({23, 0, 1}, lines, "purpose");
  const std::string again = read_whole(at("purpose"));
  EXPECT_EQ(again.find("xy"), std::string::npos);
  EXPECT_EQ(again.substr(again.find('\n')), first.substr(first.find('\n')));
}

TEST_F(TeacherWrites, WhatIsKeptIsNotThrownAwayUnasked) {
  TuneOptions options;
  int passes = 0;
  options.stop = [&] { return ++passes > 9; };
  EXPECT_FALSE(run_tuning(request("asked"), options).finished);
  const std::string kept = read_whole(at("asked.run") / "answers");
  EXPECT_GT(std::ranges::count(kept, '\n'), 1);
  options.stop = [] { return false; };
  TuneRequest r = request("asked");
  r.writing.most_tokens = 23;
  for (const bool resume : {false, true}) {
    options.resume = resume;
    try {
      run_tuning(r, options);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("--force"), std::string::npos) << error.what();
    }
    EXPECT_EQ(read_whole(at("asked.run") / "answers"), kept);
  }
  options.resume = false;
  options.force = true;
  EXPECT_TRUE(run_tuning(r, options).finished);
}

TEST_F(TeacherWrites, AllElseIsLookedAtBeforeItWrites) {
  const auto refused = [](const std::function<void(TuneRequest&)>& change, const char* words) {
    TuneRequest r = request("early");
    change(r);
    try {
      run_tuning(r, {});
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
    EXPECT_FALSE(std::filesystem::exists(at("early.run"))) << words;
  };
  refused([](TuneRequest& r) { r.chat_template = "no-such-template"; }, "no-such-template");
  refused([](TuneRequest& r) { r.evaluate = at("no records.jsonl"); }, "no records.jsonl");
  refused([](TuneRequest& r) { r.targets = {"no_proj"}; }, "no_proj");
  refused([](TuneRequest& r) { r.start = at("no adapter"); }, "no adapter");
  refused([](TuneRequest& r) { r.method = Method::qlora; }, "qlora");
  refused([](TuneRequest& r) { r.method = Method::dora, r.out = at("early.gguf"); }, "magnitudes");
  // A template that writes no stop token would not be learnt from.
  std::ofstream(at("endless.jinja")) << "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
                                        "{% if add_generation_prompt %}[assistant] {% endif %}";
  refused([](TuneRequest& r) { r.chat_template = at("endless.jinja").string(); }, "does not end with a token");
}

// What the records say before is no answer of the teacher's: it is learnt only where somebody says so.
TEST_F(TeacherWrites, OnlyWhatItWroteIsALabel) {
  ChatData data;
  ChatRecord& record = data.records.emplace_back();
  record.form = RecordForm::chat;
  record.messages = Json::parse(R"([{"role":"user","content":"q1"},{"role":"assistant","content":"earlier"},
                                    {"role":"user","content":"q2"},{"role":"assistant","content":"written"}])");
  const auto labels = [&](std::optional<Labels> said) {
    TuneRequest r = request("labels");
    r.labels = said;
    const PreparedData prepared = prepare_data(r, data);
    std::vector<std::int32_t> ids;
    const LabelledIds& first = prepared.examples.at(0).first;
    for (std::size_t i = 0; i < first.ids.size(); ++i)
      if (first.mask[i]) ids.push_back(first.ids[i]);
    return prepared.tokenizer->decode(ids, false);
  };
  EXPECT_EQ(labels(std::nullopt), "written</s>");
  EXPECT_EQ(labels(Labels::answers), "earlier</s>written</s>");
  TuneRequest alone = request("labels");
  alone.teacher_writes = false;
  EXPECT_EQ(alone.labels_or_usual(), Labels::answers);
}

TEST_F(TeacherWrites, ATeacherWithoutATemplateIsTold) {
  test::write_tiny_gguf(at("plain.gguf"));
  for (const char* teacher : {"plain.gguf", "teacher.gguf"}) {
    TuneRequest r = request("told");
    r.teacher = at(teacher);
    bool told = false;
    TuneOptions options;
    options.force = true;
    options.say = [&](const std::string& line) { told |= line.starts_with("the teacher has no chat template"); };
    options.stop = [] { return true; };
    EXPECT_FALSE(run_tuning(r, options).finished);
    EXPECT_EQ(told, std::string_view(teacher) == "plain.gguf");
  }
}

}  // namespace
}  // namespace bantam::adapt
