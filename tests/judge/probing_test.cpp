// Which records are held out, what their answers weigh, and when a difference is more than chance.
#include "judge/probing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "judge/selection.h"
#include "support/tiny_model.h"

namespace bantam::judge {
namespace {

ChatRecord question(int i) {
  ChatRecord r = read_record({{"prompt", "q" + std::to_string(i)}, {"completion", std::string(static_cast<std::size_t>(i + 1), 'a')}});
  r.line = i + 1;
  return r;
}

ChatData questions(int count) {
  ChatData data;
  for (int i = 0; i < count; ++i) data.records.push_back(question(i));
  return data;
}

std::set<std::string> held_of(const ProbeData& data) {
  std::set<std::string> out;
  for (std::size_t i = static_cast<std::size_t>(data.learnt()); i < data.records.records.size(); ++i)
    out.insert(data.records.records[i].messages[0]["content"].get<std::string>());
  return out;
}

std::string refusal(const ChatData& data, const ProbeRecipe& recipe = {}) {
  try {
    divide_for_probe(data, recipe, "f.jsonl");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Probing, TheSameRecordsAreHeldOutInAnyOrder) {
  ChatData data = questions(50);
  const ProbeData one = divide_for_probe(data, {}, "f");
  EXPECT_EQ(one.learnt(), 40);
  ASSERT_EQ(one.held_bytes.size(), 10u);
  std::ranges::reverse(data.records);
  const ProbeData other = divide_for_probe(data, {}, "f");
  EXPECT_EQ(held_of(one), held_of(other));
  // Steps take them in the order of the file.
  EXPECT_LT(one.records.records[0].line, one.records.records[1].line);
  // The answer to question i has i + 1 bytes.
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(one.held_bytes[i], static_cast<double>(one.records.records[40 + i].line));
}

TEST(Probing, WhatStandsTwiceIsNotOnBothSides) {
  ChatData data = questions(40);
  for (int i = 0; i < 40; ++i) data.records.push_back(question(i));
  const ProbeData divided = divide_for_probe(data, {}, "f");
  EXPECT_EQ(divided.twice, 40);
  EXPECT_EQ(divided.learnt(), 32);
  const std::set<std::string> held = held_of(divided);
  for (std::size_t i = 0; i < 32; ++i)
    EXPECT_FALSE(held.contains(divided.records.records[i].messages[0]["content"].get<std::string>()));
}

TEST(Probing, AShareOfAtMostSoManyRecordsIsHeldOut) {
  ProbeRecipe recipe;
  recipe.examples = 30;
  recipe.held_out = 0.5;
  const ProbeData divided = divide_for_probe(questions(200), recipe, "f");
  EXPECT_EQ(divided.learnt(), 15);
  EXPECT_EQ(divided.held_bytes.size(), 15u);
}

TEST(Probing, BytesOfWhatTheAssistantSays) {
  ChatData data;
  for (int i = 0; i < 16; ++i)
    data.records.push_back(read_record({{"messages",
                                         {{{"role", "system"}, {"content", "be brief"}},
                                          {{"role", "user"}, {"content", "q" + std::to_string(i)}},
                                          {{"role", "assistant"}, {"content", "\xC3\xA4h"}},
                                          {{"role", "user"}, {"content", "and?"}},
                                          {{"role", "assistant"}, {"content", "yes"}}}}}));
  ProbeRecipe recipe;
  recipe.held_out = 0.5;
  for (const double bytes : divide_for_probe(data, recipe, "f").held_bytes) EXPECT_EQ(bytes, 6);  // 3 of the first
}

TEST(Probing, WhatCannotBeComparedIsRefused) {
  EXPECT_NE(refusal(questions(20)).find("of 20 different records 4 would be held out; at least 8"), std::string::npos);
  ChatData data = questions(50);
  data.records[6] = read_record({{"prompt", "q"}, {"chosen", "a"}, {"rejected", "b"}});
  data.records[6].line = 7;
  EXPECT_NE(refusal(data).find("f.jsonl:7: records with answers as text were expected"), std::string::npos);
  data.records[6] = read_record({{"ids", {1, 2}}, {"mask", {0, 1}}});
  EXPECT_NE(refusal(data).find("records with answers as text"), std::string::npos);
  data = questions(50);
  data.broken = {{3, "no object"}};
  EXPECT_NE(refusal(data).find("f.jsonl:3: 1 records cannot be used: no object"), std::string::npos);
}

// Losses of records of several sizes, in nats: `bits` a byte, and what only this draw has.
std::vector<double> losses_at(double bits, double noise, std::uint64_t seed, const std::vector<double>& bytes) {
  const Random random(seed, 4);
  std::vector<double> out;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out.push_back(bytes[i] * std::log(2.0) * (bits + noise * (random.uniform(i) - 0.5)));
  return out;
}

std::vector<double> some_bytes() {
  const Random random(3, 3);
  std::vector<double> out;
  for (std::uint64_t i = 0; i < 60; ++i) out.push_back(20 + static_cast<double>(random.below(i, 200)));
  return out;
}

TEST(Probing, BitsAByteAndTheirIntervals) {
  const std::vector<double> bytes = some_bytes();
  // Two that learn, the one further; a third that is as good as the first but for what is chance.
  const auto hard = losses_at(1.5, 1, 1, bytes);
  const std::vector<ProbeLosses> losses{{5, hard, losses_at(1.2, 0.4, 2, bytes)},
                                        {7, losses_at(2, 1, 1, bytes), losses_at(1.0, 0.4, 2, bytes)},
                                        {9, hard, losses_at(1.003, 0.4, 3, bytes)}};
  const std::vector<ProbeRank> ranks = rank_probes(bytes, losses);
  ASSERT_EQ(ranks.size(), 3u);
  EXPECT_EQ(ranks[2].candidate, 5u);
  EXPECT_NE(ranks[0].candidate, 5u);
  double sum = 0, all = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += losses[0].after[i];
    all += bytes[i];
  }
  EXPECT_NEAR(ranks[2].after, sum / all / std::log(2.0), 1e-12);
  for (const ProbeRank& r : ranks) {
    EXPECT_TRUE(r.learnt);
    EXPECT_LT(r.change.low, r.after - r.before);
    EXPECT_GT(r.change.high, r.after - r.before);
    EXPECT_LT(r.before_interval.low, r.before);
    EXPECT_GT(r.after_interval.high, r.after);
  }
  EXPECT_TRUE(ranks[1].tie);
  EXPECT_FALSE(ranks[2].tie);
  // 5 and 7 share their noise: that the records are the same ones makes the difference sure to the last bit.
  const ProbeRank& last = rank_probes(bytes, {losses[0], losses[1]})[1];
  EXPECT_NEAR(last.behind, 0.2, 1e-9);
  EXPECT_NEAR(last.behind_interval.low, 0.2, 1e-9);
  EXPECT_NEAR(last.behind_interval.high, 0.2, 1e-9);
}

TEST(Probing, WhatHasNotLearntIsATieOrWorse) {
  const std::vector<double> bytes = some_bytes();
  const auto before = losses_at(1, 0.5, 1, bytes);
  ProbeRank r = rank_probes(bytes, {{0, before, losses_at(1, 0.5, 2, bytes)}})[0];
  EXPECT_FALSE(r.learnt);
  EXPECT_FALSE(r.worse());
  EXPECT_FALSE(r.tie);
  r = rank_probes(bytes, {{0, before, losses_at(1.4, 0.5, 2, bytes)}})[0];
  EXPECT_FALSE(r.learnt);
  EXPECT_TRUE(r.worse());
  EXPECT_TRUE(rank_probes(bytes, {}).empty());
}

TEST(Probing, ARecipeSaysWhatIsLearnt) {
  const test::ScratchFolder scratch;
  const auto read = [&](const std::string& text) {
    std::ofstream(scratch / "r.toml") << "models = [\"a.gguf\"]\n" << text;
    return read_selection((scratch / "r.toml").string());
  };
  const SelectionRecipe r = read("[probe]\ndata = \"mine.jsonl\"\nsteps = 12\nexamples = 90\nminutes = 1.5\nheld_out = 0.25\n");
  EXPECT_EQ(r.probe.data, (scratch / "mine.jsonl").string());
  EXPECT_EQ(r.probe.steps, 12);
  EXPECT_EQ(r.probe.examples, 90);
  EXPECT_EQ(r.probe.minutes, 1.5);
  EXPECT_EQ(r.probe.held_out, 0.25);
  EXPECT_FALSE(r.asks());
  EXPECT_THROW(read(""), Error);                                            // nothing to choose by
  EXPECT_THROW(read("tasks = [\"piqa\"]\n[probe]\nsteps = 3\n"), Error);    // of what?
  EXPECT_THROW(read("[probe]\ndata = \"a.jsonl\"\nheld_out = 1\n"), Error);
  EXPECT_THROW(read("[probe]\ndata = \"a.jsonl\"\nsteps = 0\n"), Error);
}

}  // namespace
}  // namespace bantam::judge
