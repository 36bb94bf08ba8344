// The sampler chain against a plain reading of each stage's definition.
#include "infer/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "base/error.h"

namespace bantam {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

SamplingOptions all_tokens() {
  SamplingOptions o;
  o.temperature = 1;
  o.top_k = 0;
  o.top_p = 1;
  o.min_p = 0;
  o.seed = 7;
  return o;
}

std::map<std::int32_t, double> frequencies(const SamplingOptions& options,
                                           const std::vector<float>& logits, int draws) {
  Sampler sampler(options);
  std::map<std::int32_t, double> seen;
  for (int i = 0; i < draws; ++i) seen[sampler.choose(logits)] += 1.0 / draws;
  return seen;
}

TEST(Greedy, TakesTheLargestLogitAndOfEqualOnesTheLowestId) {
  struct Case {
    std::vector<float> logits;
    std::int32_t expected;
  };
  const std::vector<Case> cases = {
      {{1, 3, 2}, 1},     {{3, 1, 3}, 0},         {{-5, -5, -5}, 0},
      {{kNaN, 1, 2}, 2},  {{1, kInfinity, 5}, 1}, {{-kInfinity, -3, -kInfinity}, 1},
      {{-0.0f, 0.0f}, 0},
  };
  SamplingOptions options;
  options.temperature = 0;
  for (const Case& c : cases) {
    EXPECT_EQ(greedy(c.logits), c.expected);
    EXPECT_EQ(Sampler(options).choose(c.logits), c.expected);
  }
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  SamplingOptions options;
  for (const double temperature : {0.0, 1.0}) {
    options.temperature = temperature;
    EXPECT_THROW(Sampler(options).choose(std::vector<float>{kNaN, kNaN}), Error);
  }
}

TEST(Sampler, RefusesOptionsOutOfRange) {
  const std::vector<void (*)(SamplingOptions&)> faults = {
      [](SamplingOptions& o) { o.temperature = -1; },
      [](SamplingOptions& o) { o.temperature = static_cast<double>(kNaN); },
      [](SamplingOptions& o) { o.top_k = -2; },
      [](SamplingOptions& o) { o.top_p = 0; },
      [](SamplingOptions& o) { o.top_p = 1.5; },
      [](SamplingOptions& o) { o.min_p = -0.1; },
      [](SamplingOptions& o) { o.min_p = static_cast<double>(kNaN); },
  };
  for (const auto fault : faults) {
    SamplingOptions options;
    fault(options);
    EXPECT_THROW(Sampler{options}, Error);
  }
}

// The probability of token i is softmax(logits / T)_i; over n draws a frequency deviates by more
// than 5 * sqrt(p (1 - p) / n) about once in two million.
TEST(Sampler, DrawsByProbability) {
  const std::vector<float> logits = {0, 1, -1, 2, 0.5f};
  constexpr int kDraws = 40000;
  for (const double temperature : {0.5, 1.0, 2.0}) {
    SamplingOptions options = all_tokens();
    options.temperature = temperature;
    double total = 0;
    for (const float l : logits) total += std::exp(static_cast<double>(l) / temperature);
    auto seen = frequencies(options, logits, kDraws);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double p = std::exp(static_cast<double>(logits[i]) / temperature) / total;
      EXPECT_NEAR(seen[static_cast<std::int32_t>(i)], p, 5 * std::sqrt(p * (1 - p) / kDraws))
          << "token " << i << " at temperature " << temperature;
    }
  }
}

TEST(Sampler, StagesLeaveOutWhatTheirDefinitionsSay) {
  // Probabilities 0.4, 0.3, 0.2, 0.06, 0.04 of ids 3, 0, 4, 1, 2.
  const std::vector<double> p = {0.3, 0.06, 0.04, 0.4, 0.2};
  std::vector<float> logits;
  for (const double x : p) logits.push_back(static_cast<float>(std::log(x)));
  struct Case {
    const char* name;
    void (*set)(SamplingOptions&);
    std::vector<std::int32_t> left;
  };
  const std::vector<Case> cases = {
      {"top-k 2", [](SamplingOptions& o) { o.top_k = 2; }, {0, 3}},
      {"top-k beyond the vocabulary", [](SamplingOptions& o) { o.top_k = 9; }, {0, 1, 2, 3, 4}},
      {"top-p 0.35", [](SamplingOptions& o) { o.top_p = 0.35; }, {3}},
      {"top-p 0.65", [](SamplingOptions& o) { o.top_p = 0.65; }, {0, 3}},
      {"top-p 0.95", [](SamplingOptions& o) { o.top_p = 0.95; }, {0, 1, 3, 4}},
      {"min-p 0.4", [](SamplingOptions& o) { o.min_p = 0.4; }, {0, 3, 4}},
      {"min-p 1", [](SamplingOptions& o) { o.min_p = 1; }, {3}},
      // After top-k the two that are left have 4/7 and 3/7.
      {"top-k, then top-p", [](SamplingOptions& o) { o.top_k = 2, o.top_p = 0.5; }, {3}},
  };
  for (const Case& c : cases) {
    SamplingOptions options = all_tokens();
    c.set(options);
    std::vector<std::int32_t> left;
    for (const auto& [id, share] : frequencies(options, logits, 3000)) left.push_back(id);
    EXPECT_EQ(left, c.left) << c.name;
  }
}

TEST(Sampler, EqualLogitsAtTheBorderOfTopKAreTakenByLowestId) {
  SamplingOptions options = all_tokens();
  options.top_k = 2;
  std::vector<std::int32_t> left;
  for (const auto& [id, share] : frequencies(options, {1, 1, 1, 1}, 200)) left.push_back(id);
  EXPECT_EQ(left, (std::vector<std::int32_t>{0, 1}));
}

TEST(Sampler, SeedAndStreamDecideTheDraws) {
  const std::vector<float> logits(50, 0.0f);
  const auto draw = [&](std::uint64_t seed, std::uint64_t stream) {
    SamplingOptions options = all_tokens();
    options.seed = seed;
    Sampler sampler(options, stream);
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(sampler.choose(logits));
    return ids;
  };
  EXPECT_EQ(draw(1, 0), draw(1, 0));
  EXPECT_NE(draw(1, 0), draw(2, 0));
  EXPECT_NE(draw(1, 0), draw(1, 1));
}

TEST(Sampler, ExtremeLogitsAndTemperaturesGiveAToken) {
  for (const double temperature : {1e-30, 1e-3, 1000.0})
    for (const std::vector<float>& logits : {std::vector<float>{3e38f, -3e38f},
                                             {kInfinity, 0},
                                             {0, -kInfinity},
                                             {-3e38f, -kInfinity}}) {
      SamplingOptions options;
      options.temperature = temperature;
      const std::int32_t id = Sampler(options).choose(logits);
      EXPECT_EQ(id, 0);
    }
}

}  // namespace
}  // namespace bantam
