// The rarer stages of the sampler, each against a plain reading of its definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "infer/sampler.h"

namespace bantam {
namespace {

using Ids = std::vector<std::int32_t>;
using Set = void (*)(SamplingOptions&);

SamplingOptions plain_options() {
  SamplingOptions o;
  o.temperature = 1;
  o.top_k = 0;
  o.top_p = 1;
  o.min_p = 0;
  o.seed = 11;
  return o;
}

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> out;
  for (const double p : probabilities) out.push_back(static_cast<float>(std::log(p)));
  return out;
}

// What can still be drawn after `history`; each draw by a sampler that has seen just that.
std::set<std::int32_t> left(const SamplingOptions& options, const std::vector<float>& logits,
                            const Ids& history = {}) {
  std::set<std::int32_t> seen;
  for (std::uint64_t stream = 0; stream < 1500; ++stream) {
    Sampler sampler(options, stream);
    sampler.see(history);
    seen.insert(sampler.choose(logits));
  }
  return seen;
}

// The likeliest token at temperature 0 after `history`.
std::int32_t likeliest(Set set, const std::vector<float>& logits, const Ids& history,
                       std::vector<bool> breakers = {}) {
  SamplingOptions options = plain_options();
  options.temperature = 0;
  set(options);
  Sampler sampler(options);
  sampler.see(history);
  sampler.set_breakers(std::move(breakers));
  return sampler.choose(logits);
}

TEST(LogitBias, MovesAndRulesOut) {
  const std::vector<float> logits = {0, 3, 2};
  EXPECT_EQ(likeliest([](SamplingOptions& o) { o.logit_bias = {{2, 1.5}}; }, logits, {}), 2);
  EXPECT_EQ(likeliest([](SamplingOptions& o) { o.logit_bias = {{2, 0.5}}; }, logits, {}), 1);
  EXPECT_EQ(likeliest(
                [](SamplingOptions& o) {
                  constexpr double kNever = -std::numeric_limits<double>::infinity();
                  o.logit_bias = {{1, kNever}, {2, kNever}};
                },
                logits, {}),
            0);
  EXPECT_THROW(likeliest(
                   [](SamplingOptions& o) {
                     constexpr double kNever = -std::numeric_limits<double>::infinity();
                     o.logit_bias = {{0, kNever}, {1, kNever}, {2, kNever}};
                   },
                   logits, {}),
               Error);
}

TEST(Penalties, TakeOffWhatTheirDefinitionsSay) {
  struct Case {
    const char* name;
    Set set;
    std::vector<float> logits;
    Ids history;
    std::int32_t expected;
  };
  const std::vector<Case> cases = {
      // 3 / 1.6 = 1.875 < 2
      {"repeat divides positive logits",
       [](SamplingOptions& o) { o.repeat_penalty = 1.6; },
       {3, 2},
       {0},
       1},
      {"repeat too small to matter",
       [](SamplingOptions& o) { o.repeat_penalty = 1.4; },
       {3, 2},
       {0},
       0},
      // -1 * 2.5 = -2.5 < -2
      {"repeat multiplies negative logits",
       [](SamplingOptions& o) { o.repeat_penalty = 2.5; },
       {-1, -2},
       {0},
       1},
      {"repeat once however often it stood",
       [](SamplingOptions& o) { o.repeat_penalty = 1.4; },
       {3, 2},
       {0, 0, 0, 0},
       0},
      {"frequency counts",
       [](SamplingOptions& o) { o.frequency_penalty = 0.4; },
       {3, 2},
       {0, 0, 0},
       1},
      {"frequency counts too few",
       [](SamplingOptions& o) { o.frequency_penalty = 0.4; },
       {3, 2},
       {0, 0},
       0},
      {"presence does not count",
       [](SamplingOptions& o) { o.presence_penalty = 0.9; },
       {3, 2},
       {0, 0, 0},
       0},
      {"presence", [](SamplingOptions& o) { o.presence_penalty = 1.1; }, {3, 2}, {0}, 1},
      {"only the last tokens",
       [](SamplingOptions& o) { o.presence_penalty = 9, o.penalty_last = 2; },
       {3, 2, 1},
       {0, 2, 2},
       0},
      {"all tokens",
       [](SamplingOptions& o) { o.presence_penalty = 9, o.penalty_last = -1; },
       {3, 2, 1},
       {0, 2, 2},
       1},
  };
  for (const Case& c : cases)
    EXPECT_EQ(likeliest(c.set, c.logits, c.history), c.expected) << c.name;
}

TEST(Penalties, CountWhatWasChosen) {
  SamplingOptions options = plain_options();
  options.temperature = 0;
  options.presence_penalty = 1.5;
  Sampler sampler(options);
  Ids chosen;
  for (int i = 0; i < 4; ++i) chosen.push_back(sampler.choose(std::vector<float>{3, 2, 1, -9}));
  EXPECT_EQ(chosen, (Ids{0, 1, 0, 0}));  // 3; 2; 1.5 and 1; the same
}

// The penalty of each token by looking at every earlier place.
std::vector<double> dry_penalties(const SamplingOptions& o, const Ids& text,
                                  std::int32_t vocabulary, const std::vector<bool>& breakers) {
  std::vector<double> penalties(static_cast<std::size_t>(vocabulary));
  const auto n = static_cast<std::int64_t>(text.size());
  const auto at = [&](std::int64_t i) { return text[static_cast<std::size_t>(i)]; };
  for (std::int64_t next = 1; next < n; ++next) {
    std::int64_t length = 0;
    while (length < next && at(next - 1 - length) == at(n - 1 - length) &&
           !breakers[static_cast<std::size_t>(at(n - 1 - length))])
      ++length;
    if (length < o.dry_allowed) continue;
    double& p = penalties[static_cast<std::size_t>(at(next))];
    p = std::max(
        p, o.dry_multiplier * std::pow(o.dry_base, static_cast<double>(length - o.dry_allowed)));
  }
  return penalties;
}

TEST(Dry, PenalisesTheContinuationOfWhatStoodBefore) {
  const Random random(3, 1);
  std::uint64_t index = 0;
  int changed = 0;
  for (int round = 0; round < 400; ++round) {
    Ids text;
    const auto size = 1 + random.below(index++, 40);
    while (text.size() < size) text.push_back(static_cast<std::int32_t>(random.below(index++, 4)));
    std::vector<float> logits;
    for (int i = 0; i < 5; ++i)
      logits.push_back(static_cast<float>(random.uniform(index++) * 4 - 2));
    std::vector<bool> breakers(5, false);
    if (round % 2 == 1) breakers[3] = true;
    SamplingOptions options = plain_options();
    options.temperature = 0;
    options.dry_multiplier = 0.8;
    const std::vector<double> penalties = dry_penalties(options, text, 5, breakers);
    std::size_t best = 0;
    const auto value = [&](std::size_t i) { return static_cast<double>(logits[i]) - penalties[i]; };
    for (std::size_t i = 1; i < 5; ++i)
      if (value(i) > value(best)) best = i;
    Sampler sampler(options);
    sampler.see(text);
    sampler.set_breakers(breakers);
    EXPECT_EQ(sampler.choose(logits), static_cast<std::int32_t>(best)) << round;
    changed += greedy(logits) != static_cast<std::int32_t>(best);
  }
  EXPECT_GT(changed, 20);  // enough of them mattered
}

TEST(Dry, IsQuickOnOneLetter) {
  SamplingOptions options = plain_options();
  options.dry_multiplier = 1;
  Sampler sampler(options);
  sampler.see(Ids(200'000, 1));
  EXPECT_EQ(sampler.choose(std::vector<float>{0, 5, -1}) == 1, false);
}

TEST(Stages, LeaveOutWhatTheirDefinitionsSay) {
  // Entropy of p: 1.35 nats; surprises 1.20, 2.81, 3.22, 0.92, 1.61 of ids 0 to 4, so that the most
  // typical are 0, 4, 3, 1, 2.
  const std::vector<double> p = {0.3, 0.06, 0.04, 0.4, 0.2};
  struct Case {
    const char* name;
    Set set;
    std::vector<float> logits;
    std::set<std::int32_t> expected;
  };
  const std::vector<Case> cases = {
      {"typical 0.25", [](SamplingOptions& o) { o.typical_p = 0.25; }, logs(p), {0}},
      {"typical 0.45", [](SamplingOptions& o) { o.typical_p = 0.45; }, logs(p), {0, 4}},
      {"typical 0.75", [](SamplingOptions& o) { o.typical_p = 0.75; }, logs(p), {0, 3, 4}},
      {"typical 0.92", [](SamplingOptions& o) { o.typical_p = 0.92; }, logs(p), {0, 1, 3, 4}},
      // mean 0, standard deviation 1
      {"top-n-sigma 1", [](SamplingOptions& o) { o.top_n_sigma = 1; }, {1, 1, -1, -1}, {0, 1}},
      {"top-n-sigma 2.1",
       [](SamplingOptions& o) { o.top_n_sigma = 2.1; },
       {1, 1, -1, -1},
       {0, 1, 2, 3}},
      {"xtc leaves the least of the top",
       [](SamplingOptions& o) { o.xtc_probability = 1, o.xtc_threshold = 0.15; },
       logs(p),
       {1, 2, 4}},
      {"xtc with one top choice does nothing",
       [](SamplingOptions& o) { o.xtc_probability = 1, o.xtc_threshold = 0.35; },
       logs(p),
       {0, 1, 2, 3, 4}},
      {"xtc never", [](SamplingOptions& o) { o.xtc_threshold = 0.15; }, logs(p), {0, 1, 2, 3, 4}},
      // mu = 2 tau = 1.5 bits: at least 2^-1.5 = 0.354
      {"mirostat's first choice",
       [](SamplingOptions& o) { o.mirostat = true, o.mirostat_tau = 0.75; },
       logs(p),
       {3}},
      {"mirostat instead of top-k",
       [](SamplingOptions& o) { o.mirostat = true, o.mirostat_tau = 9, o.top_k = 1; },
       logs(p),
       {0, 1, 2, 3, 4}},
  };
  for (const Case& c : cases) {
    SamplingOptions options = plain_options();
    c.set(options);
    EXPECT_EQ(left(options, c.logits), c.expected) << c.name;
  }
}

TEST(Xtc, HappensAsOftenAsAsked) {
  SamplingOptions options = plain_options();
  options.xtc_probability = 0.3;
  options.xtc_threshold = 0.3;
  const std::vector<float> logits = logs({0.6, 0.4});
  int second = 0;
  constexpr int kDraws = 20000;
  Sampler sampler(options);
  for (int i = 0; i < kDraws; ++i) second += sampler.choose(logits) == 1;
  const double expected = 0.3 + 0.7 * 0.4;
  EXPECT_NEAR(second / double{kDraws}, expected, 5 * std::sqrt(expected * (1 - expected) / kDraws));
}

TEST(Mirostat, ReachesTheSurpriseThatIsAimedAt) {
  // A Zipf law over 500 tokens.
  std::vector<double> p;
  double total = 0;
  for (int i = 0; i < 500; ++i) total += p.emplace_back(1 / (i + 1.0));
  for (double& x : p) x /= total;
  for (const double tau : {2.0, 4.0}) {
    SamplingOptions options = plain_options();
    options.mirostat = true;
    options.mirostat_tau = tau;
    Sampler sampler(options);
    double mu = 2 * tau, mean = 0;
    constexpr int kDraws = 4000;
    for (int i = 0; i < kDraws; ++i) {
      double kept = p[0];
      for (std::size_t t = 1; t < p.size() && p[t] >= std::exp2(-mu); ++t) kept += p[t];
      const auto chosen = static_cast<std::size_t>(sampler.choose(logs(p)));
      EXPECT_TRUE(chosen == 0 || p[chosen] >= 0.9999 * std::exp2(-mu)) << i;
      const double surprise = -std::log2(p[chosen] / kept);
      mu -= options.mirostat_eta * (surprise - tau);
      mean += surprise / kDraws;
    }
    // The sum of all errors is (mu at first - mu at last) / eta, and mu stays within some bits.
    EXPECT_NEAR(mean, tau, 20 / options.mirostat_eta / kDraws);
  }
}

TEST(Sampler, RefusesRareOptionsOutOfRange) {
  const std::vector<Set> faults = {
      [](SamplingOptions& o) { o.repeat_penalty = 0; },
      [](SamplingOptions& o) { o.frequency_penalty = std::nan(""); },
      [](SamplingOptions& o) { o.presence_penalty = 1e9; },
      [](SamplingOptions& o) { o.dry_multiplier = -1; },
      [](SamplingOptions& o) { o.dry_base = 0.5; },
      [](SamplingOptions& o) { o.dry_allowed = 0; },
      [](SamplingOptions& o) { o.top_n_sigma = -1; },
      [](SamplingOptions& o) { o.typical_p = 0; },
      [](SamplingOptions& o) { o.xtc_probability = 1.1; },
      [](SamplingOptions& o) { o.xtc_threshold = -0.1; },
      [](SamplingOptions& o) { o.mirostat_tau = -1; },
      [](SamplingOptions& o) { o.mirostat_eta = 2; },
      [](SamplingOptions& o) {
        o.logit_bias = {{1, std::nan("")}};
      },
  };
  for (const Set fault : faults) {
    SamplingOptions options;
    fault(options);
    EXPECT_THROW(Sampler{options}, Error);
  }
}

TEST(Sampler, StagesHaveAStatedOrder) {
  std::vector<std::string_view> names;
  for (const SamplerStage* stage : sampler_stages()) names.push_back(stage->name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"logit-bias", "penalties", "dry", "top-n-sigma",
                                                  "top-k", "typical", "top-p", "min-p", "xtc",
                                                  "temperature", "mirostat"}));
}

}  // namespace
}  // namespace bantam
