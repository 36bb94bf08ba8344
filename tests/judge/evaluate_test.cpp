// Scores do not depend on how they were computed.
#include "judge/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "infer/log_probabilities.h"
#include "judge/report.h"
#include "judge/support.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

using judge::Likelihood;
using judge::Sequence;

// One sequence by itself, every row asked for, by the program's other arithmetic of probabilities.
Likelihood alone(const JudgeModel& model, const Sequence& s) {
  const auto session = model.opener()(1, 512);
  Likelihood out;
  const Session::Part part{0, std::span(s.tokens).first(s.tokens.size() - 1), Session::Want::all};
  session->evaluate({&part, 1}, [&](std::size_t, std::size_t i, std::span<const float> logits) {
    if (i + 1 < s.first) return;
    const TokenProbabilities p = log_probabilities(logits, s.tokens[i + 1], 1);
    out.sum += p.chosen.log_probability;
    out.greedy = out.greedy && p.top.front().id == s.tokens[i + 1];
  });
  return out;
}

TEST(Likelihoods, AreThoseOfEachSequenceAlone) {
  const JudgeModel model;
  judge::Asking asking;
  asking.shots = 2;
  const judge::TaskRun run = own_run("easy", asking);
  const judge::TaskResult result = model.evaluate(run);
  const judge::Encoder encoder(model.tokenizer, 512);
  for (std::size_t i = 0; i < run.items.size(); ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      const Likelihood expected =
          alone(model, encoder.pair(run.items[i].context(j), run.items[i].continuation(j)));
      EXPECT_NEAR(result.responses[i].likelihoods[j].sum, expected.sum, 1e-9 * std::abs(expected.sum));
      EXPECT_EQ(result.responses[i].likelihoods[j].greedy, expected.greedy);
    }
  EXPECT_LT(result.work.computed, result.work.asked * 3 / 4);  // what is shared is computed once
}

std::string bytes_of(const judge::TaskRun& run, const judge::TaskResult& result) {
  return to_text(judge::task_report(run, result, *run.spec));
}

TEST(Evaluate, GivesTheSameBytesForAnyBatchAndThreads) {
  const JudgeModel model;
  judge::Asking asking;
  asking.shots = 3;
  for (const char* name : {"easy", "subjects", "sums"}) {
    judge::Asking mine = asking;
    if (std::string(name) != "easy") mine.shots = 0;
    const judge::TaskRun run = own_run(name, mine);
    const std::string expected = bytes_of(run, model.evaluate(run, 1, 1));
    for (const std::int64_t batch : {2, 3, 7, 64})
      for (const unsigned threads : {1u, 3u})
        EXPECT_EQ(bytes_of(run, model.evaluate(run, batch, threads)), expected) << name << batch;
  }
}

// Where a window has moved on, what was shared is computed again, to the same bits.
TEST(Evaluate, GivesTheSameBytesWithSlidingWindows) {
  judge::Asking asking;
  asking.shots = 2;
  for (const TinyFamily& family : kTinyFamilies) {
    const std::string_view which = family.name;
    if (which != "gemma3" && which != "mistral" && which != "gpt2") continue;
    const JudgeModel model(512, family.change);
    for (const char* name : {"easy", "subjects", "sums"}) {
      const judge::TaskRun run = own_run(name, std::string(name) == "easy" ? asking : judge::Asking{});
      EXPECT_EQ(bytes_of(run, model.evaluate(run, 64, 2)), bytes_of(run, model.evaluate(run, 1, 1)))
          << family.name << " " << name;
    }
  }
}

TEST(Evaluate, GoesOnFromAJournalToTheSameReport) {
  const JudgeModel model;
  const judge::TaskRun run = own_run("easy");
  const std::string expected = bytes_of(run, model.evaluate(run));
  const Path path = model.folder / "journal";
  std::int64_t asked = 0;
  {
    judge::Journal journal(path, "settings");
    judge::EvaluateOptions options;
    options.batch = 4;  // two items
    options.go_on = [&] { return ++asked < 7; };
    EXPECT_FALSE(judge::evaluate(run, model.tokenizer, model.file->config(), 512, model.opener(),
                                 &journal, options));
  }
  // A kill in the middle of a line.
  std::string text = read_file(path);
  write_file(path, text.substr(0, text.size() - 5));
  {
    judge::Journal journal(path, "settings");
    EXPECT_THROW(judge::Journal(path, "settings"), Error);  // held by one run at a time
    ASSERT_GT(journal.found(), 0u);
    const judge::TaskResult rest = model.evaluate(run, 3, 1, &journal);
    EXPECT_EQ(rest.resumed, static_cast<std::int64_t>(journal.found()));
    EXPECT_EQ(bytes_of(run, rest), expected);
  }
  text = read_file(path);
  EXPECT_THROW(judge::Journal(path, "other settings"), Error);  // hours of answers, maybe
  EXPECT_EQ(read_file(path), text);
  // A number that the disk changed is not believed: from there on all is answered again.
  const std::size_t line = text.find('\n', text.find('\n') + 1) + 1, digit = text.find_first_of("0123456789", text.find("answer", line));
  std::string changed = text;
  changed[digit] = changed[digit] == '9' ? '8' : '9';
  write_file(path, changed);
  EXPECT_EQ(judge::Journal(path, "settings").found(), 1u);
}

// Beside a report there may lie somebody's file of that name, or a link to one.
TEST(Evaluate, AJournalTakesNobodysPlace) {
  const ScratchFolder folder;
  const Path path = folder / "accounts.journal";
  for (const char* text : {"2024-01-01 rent\n  a  5\n", "notes without a line end", "{\"settings\" of mine}\n"}) {
    write_file(path, text);
    EXPECT_THROW(judge::Journal(path, "settings"), Error);
    EXPECT_THROW(judge::forget_journal(path), Error);
    EXPECT_EQ(read_file(path), text);
  }
  write_file(folder / "mine", "");
  std::filesystem::create_symlink(folder / "mine", folder / "link");
  EXPECT_THROW(judge::Journal(folder / "link", "settings"), Error);
  EXPECT_EQ(read_file(folder / "mine"), "");
  write_file(path, "{\"sett");  // a kill, when it had just begun
  EXPECT_EQ(judge::Journal(path, "settings").found(), 0u);
  judge::forget_journal(path);
  EXPECT_FALSE(std::filesystem::exists(path));
}

// What the context has no room for is cut from the left, and said for the item.
TEST(Evaluate, SaysWhatTheContextCutOff) {
  const JudgeModel model(64);
  judge::Asking asking;
  asking.shots = 3;
  const judge::TaskRun run = own_run("easy", asking);
  const judge::TaskResult result = model.evaluate(run);
  const Json report = judge::task_report(run, result, *run.spec);
  EXPECT_EQ(report["cut_items"], 12);
  EXPECT_GT(report["items"][0]["cut"].get<int>(), 0);
}

TEST(Encoder, JoinsBeforeItEncodes) {
  const JudgeModel model;
  const judge::Encoder encoder(model.tokenizer, 512);
  const auto pair = encoder.pair("a ", "the");  // " the" is one token: the space goes over
  EXPECT_EQ(pair.tokens, (std::vector<std::int32_t>{259, 'a', 258}));
  EXPECT_EQ(pair.first, 2u);
  const auto unconditional = encoder.pair("", "x");
  EXPECT_EQ(unconditional.tokens, (std::vector<std::int32_t>{259, 'x'}));
  // A text that begins with the beginning's own text is not begun twice.
  EXPECT_EQ(encoder.encode("<s>a"), (std::vector<std::int32_t>{259, 'a'}));
  EXPECT_EQ(encoder.encode("a"), (std::vector<std::int32_t>{259, 'a'}));
  EXPECT_THROW(encoder.pair("t", ""), Error);
  EXPECT_THROW(judge::Encoder(model.tokenizer, 2).pair("a", "long text"), Error);
}

// Every token of a text is predicted once, with as much before it as fits.
TEST(Encoder, RollingWindows) {
  using Window = std::pair<std::vector<std::int32_t>, std::size_t>;
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 1; i <= 7; ++i) tokens.push_back(i);
  std::vector<Window> got;
  for (const Sequence& s : judge::rolling_windows(tokens, 0, 4)) got.emplace_back(s.tokens, s.first);
  EXPECT_EQ(got, (std::vector<Window>{{{0, 1, 2, 3, 4}, 1}, {{3, 4, 5, 6, 7}, 2}}));
  EXPECT_TRUE(judge::rolling_windows({}, 0, 4).empty());
}

}  // namespace
}  // namespace bantam::test
