// Log-probabilities against their definition.
#include "infer/log_probabilities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bantam {
namespace {

TEST(LogProbabilities, AreThoseOfTheSoftmax) {
  const std::vector<float> logits = {1, -2, 3.5f, 0, 3.5f};
  double total = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l));
  const TokenProbabilities p = log_probabilities(logits, 1, 3);
  EXPECT_EQ(p.chosen.id, 1);
  EXPECT_NEAR(p.chosen.log_probability, -2 - std::log(total), 1e-14);
  ASSERT_EQ(p.top.size(), 3u);
  const std::int32_t expected[] = {2, 4, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(p.top[i].id, expected[i]);
    const auto logit = static_cast<double>(logits[static_cast<std::size_t>(expected[i])]);
    EXPECT_NEAR(p.top[i].log_probability, logit - std::log(total), 1e-14);
  }
}

TEST(LogProbabilities, OfWhatIsImpossibleAreMinusInfinity) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {0, -infinity, std::nanf("")};
  EXPECT_EQ(log_probabilities(logits, 1, 0).chosen.log_probability, -infinity);
  EXPECT_EQ(log_probabilities(logits, 2, 9).chosen.log_probability, -infinity);
  EXPECT_EQ(log_probabilities(logits, 0, 0).chosen.log_probability, 0);
  EXPECT_LE(log_probabilities(logits, 0, 9).top.size(), 2u);
}

TEST(LogProbabilities, StayFiniteForHugeLogits) {
  const std::vector<float> logits = {3e38f, -3e38f, 3e38f};
  EXPECT_NEAR(log_probabilities(logits, 0, 1).chosen.log_probability, 0, 1e32);
  EXPECT_TRUE(std::isfinite(log_probabilities(logits, 1, 1).chosen.log_probability));
}

}  // namespace
}  // namespace bantam
