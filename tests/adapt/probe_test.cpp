// A probe says what fine-tuning says, for each record, and leaves nothing behind.
#include "adapt/probe.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "base/error.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

constexpr const char* kTurns =
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}"
    "{% if m.role == 'assistant' %}</s>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}";

class Probed : public testing::Test {
 protected:
  void SetUp() override {
    test::TinyModel tiny;
    test::write_tiny_gguf(scratch_ / "plain.gguf", tiny);
    tiny.chat_template = kTurns;
    test::write_tiny_gguf(scratch_ / "model.gguf", tiny);
    tiny.type = Type::q8_0;
    test::write_tiny_gguf(scratch_ / "blocks.gguf", tiny);
    std::ofstream learnt(scratch_ / "learnt.jsonl"), held(scratch_ / "held.jsonl"), all(scratch_ / "all.jsonl");
    for (int i = 0; i < 21; ++i) {
      const std::string record = R"({"prompt":"q)" + std::to_string(i) + R"(","completion":")" +
                                 std::string(static_cast<std::size_t>(1 + i * 3 % 11), 'a') + "\"}\n";
      (i < 13 ? learnt : held) << record;
      all << record;
    }
  }
  ProbeResult probe(const std::string& model, const ProbeOptions& options = {}, double seconds = 0) const {
    const ChatData data = read_chat_data(scratch_ / "all.jsonl");
    return run_probe({scratch_ / model, data, 8, 6, seconds, {}}, options);
  }
  std::string refusal(const std::string& model, double seconds = 0) const {
    try {
      probe(model, {}, seconds);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  std::string bytes(const Path& path) const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  test::ScratchFolder scratch_;
};

TEST_F(Probed, SaysWhatFineTuningSays) {
  for (const char* model : {"model.gguf", "blocks.gguf"}) {
    const std::string file = bytes(scratch_ / model);
    const ProbeResult r = probe(model);
    TuneRequest request;
    request.model = scratch_ / model;
    request.data = scratch_ / "learnt.jsonl";
    request.evaluate = scratch_ / "held.jsonl";
    request.out = scratch_ / (std::string(model) + "-adapter");
    request.steps = 6;
    request.validation = 0;
    const TuneResult tuned = run_tuning(request, {});
    ASSERT_EQ(r.before.size(), 8u);
    ASSERT_EQ(r.after.size(), 8u);
    double count = 0;  // a byte is a token; the stop token is one more
    for (int i = 13; i < 21; ++i) count += 1 + i * 3 % 11 + 1;
    EXPECT_NEAR(std::accumulate(r.before.begin(), r.before.end(), 0.0) / count, tuned.evaluated_before, 1e-12);
    EXPECT_NEAR(std::accumulate(r.after.begin(), r.after.end(), 0.0) / count, tuned.evaluated_after, 1e-12);
    EXPECT_LT(tuned.evaluated_after, tuned.evaluated_before);
    EXPECT_EQ(r.steps, 6);
    EXPECT_EQ(r.batch, 8);
    EXPECT_EQ(r.trained, tuned.trained);
    EXPECT_EQ(r.method, model[0] == 'b' ? "qlora" : "lora");
    EXPECT_GT(r.memory, static_cast<std::int64_t>(file.size() / 2));
    EXPECT_EQ(bytes(scratch_ / model), file);
  }
}

TEST_F(Probed, TheSameNumbersAfterAStopAndOnAnyThreads) {
  ProbeOptions options;
  options.threads = 1;
  const ProbeResult whole = probe("model.gguf", options);
  options.threads = 3;
  options.kept = scratch_ / "kept";
  int asked = 0;
  options.stop = [&] { return ++asked == 4; };
  EXPECT_FALSE(probe("model.gguf", options).finished);
  EXPECT_TRUE(std::filesystem::exists(options.kept / "checkpoint"));
  asked = 100;
  const ProbeResult rest = probe("model.gguf", options);
  EXPECT_EQ(asked, 103);  // three steps were left
  ASSERT_TRUE(rest.finished);
  EXPECT_EQ(rest.before, whole.before);
  EXPECT_EQ(rest.after, whole.after);
  EXPECT_FALSE(std::filesystem::exists(options.kept / "checkpoint"));
  // Once more: nothing is learnt again.
  options.stop = [] { return true; };
  const ProbeResult again = probe("model.gguf", options);
  EXPECT_TRUE(again.finished);
  EXPECT_EQ(again.after, whole.after);
  EXPECT_EQ(again.seconds, rest.seconds);
  EXPECT_EQ(again.memory, rest.memory);
  // What lies there of another model, or is damaged, is not taken.
  EXPECT_FALSE(probe("blocks.gguf", options).finished);
  write_file(options.kept / "result.json", "{");
  write_file(options.kept / "checkpoint", "nothing");
  options.stop = [] { return false; };
  EXPECT_EQ(probe("model.gguf", options).after, whole.after);
}

TEST_F(Probed, WhyAModelCannotBeProbed) {
  EXPECT_EQ(refusal("plain.gguf"), "");  // a prompt and an answer need no template
  EXPECT_NE(refusal("model.gguf", 1e-9).find("6 steps would take about"), std::string::npos);
  std::ofstream(scratch_ / "all.jsonl", std::ios::app)
      << R"({"prompt":"q","completion":")" << std::string(200, 'a') << "\"}\n";
  EXPECT_NE(refusal("model.gguf").find("the record of line 22 has "), std::string::npos) << refusal("model.gguf");
  std::ofstream(scratch_ / "all.jsonl", std::ios::app)
      << R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]})"
      << "\n";
  EXPECT_NE(refusal("plain.gguf").find("1 of 23 records cannot be put to it; line 23: the model has no chat template"),
            std::string::npos)
      << refusal("plain.gguf");
}

}  // namespace
}  // namespace bantam::adapt
