// The arithmetic of group-relative policy optimisation beside a plain one that is written from the
// formulas, and derived by differences.
#include "adapt/grpo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "adapt/sequences.h"

namespace bantam::adapt {
namespace {

TEST(Advantages, AreTheDistanceFromTheGroupsMeanInItsDeviations) {
  // By hand: mean 2, deviation sqrt((4 + 1 + 0 + 9) / 3).
  const std::vector<double> got = advantages(std::vector<double>{0, 1, 2, 5}, 4);
  const double deviation = std::sqrt(14.0 / 3) + 1e-4;
  ASSERT_EQ(got.size(), 4u);
  EXPECT_NEAR(got[0], -2 / deviation, 1e-12);
  EXPECT_NEAR(got[1], -1 / deviation, 1e-12);
  EXPECT_NEAR(got[2], 0, 1e-12);
  EXPECT_NEAR(got[3], 3 / deviation, 1e-12);
}

TEST(Advantages, EachGroupIsByItself) {
  const std::vector<double> got = advantages(std::vector<double>{1, 0, 100, 102, 0.1, 0.1}, 2);
  const double right = 0.5 / (std::sqrt(0.5) + 1e-4), high = 1 / (std::sqrt(2.0) + 1e-4);
  EXPECT_NEAR(got[0], right, 1e-12);
  EXPECT_NEAR(got[1], -right, 1e-12);
  EXPECT_NEAR(got[2], -high, 1e-12);
  EXPECT_NEAR(got[3], high, 1e-12);
  EXPECT_EQ(got[4], 0);  // equal rewards tell nothing
  EXPECT_EQ(got[5], 0);
  // 0.1 ten times adds up to a mean that is not 0.1.
  for (const double a : advantages(std::vector<double>(10, 0.1), 10)) EXPECT_EQ(a, 0);
}

using Rows = std::vector<std::vector<double>>;  // logits of each token's place

double log_p(const std::vector<double>& logits, std::size_t token) {
  double sum = 0;
  for (const double z : logits) sum += std::exp(z);
  return logits[token] - std::log(sum);
}

struct PlainAnswer {
  std::vector<std::size_t> tokens;
  Rows now, sampled, start;
  double advantage;
};

// The loss as its definition says it, of logits.
double plain_loss(const std::vector<PlainAnswer>& answers, double beta, double epsilon) {
  double sum = 0;
  int count = 0;
  for (const PlainAnswer& a : answers)
    for (std::size_t t = 0; t < a.tokens.size(); ++t, ++count) {
      const double p = log_p(a.now[t], a.tokens[t]);
      const double ratio = std::exp(p - log_p(a.sampled[t], a.tokens[t]));
      double clipped = ratio;
      if (clipped < 1 - epsilon) clipped = 1 - epsilon;
      if (clipped > 1 + epsilon) clipped = 1 + epsilon;
      const double x = ratio * a.advantage, y = clipped * a.advantage;
      sum += -(x < y ? x : y);
      if (beta != 0) {
        const double r = log_p(a.start[t], a.tokens[t]) - p;
        sum += beta * (std::exp(r) - r - 1);
      }
    }
  return sum / count;
}

// Three answers of 3, 1 and 4 tokens over five words; logits that no formula made. `apart` moves the
// logits of the sampling model, so that some ratios leave the bounds on both sides.
std::vector<PlainAnswer> hand_made(double apart) {
  std::vector<PlainAnswer> out{{{0, 4, 2}, {}, {}, {}, 1.1}, {{3}, {}, {}, {}, -0.7}, {{1, 1, 0, 4}, {}, {}, {}, -0.4}};
  int n = 0;
  for (PlainAnswer& a : out)
    for (std::size_t t = 0; t < a.tokens.size(); ++t) {
      std::vector<double> now, sampled, start;
      for (int v = 0; v < 5; ++v, ++n) {
        now.push_back(std::sin(1.7 * n) * 1.5);
        sampled.push_back(now.back() + apart * std::cos(2.3 * n));
        start.push_back(now.back() + 0.4 * std::sin(0.9 * n + 1));
      }
      a.now.push_back(now);
      a.sampled.push_back(sampled);
      a.start.push_back(start);
    }
  return out;
}

// The loss by group_loss; `gradient`: of each logit of `now`, as the head makes it of the weights.
double loss_of(const std::vector<PlainAnswer>& answers, double beta, double epsilon, std::vector<double>& gradient) {
  std::vector<std::vector<double>> now, sampled, start;
  std::vector<double> all;
  for (const PlainAnswer& a : answers) {
    now.emplace_back();
    sampled.emplace_back();
    start.emplace_back();
    for (std::size_t t = 0; t < a.tokens.size(); ++t) {
      now.back().push_back(log_p(a.now[t], a.tokens[t]));
      sampled.back().push_back(log_p(a.sampled[t], a.tokens[t]));
      start.back().push_back(log_p(a.start[t], a.tokens[t]));
    }
    all.push_back(a.advantage);
  }
  std::vector<AnswerOdds> odds;
  for (std::size_t i = 0; i < answers.size(); ++i)
    odds.push_back({now[i], sampled[i], beta > 0 ? std::span<const double>(start[i]) : std::span<const double>()});
  std::vector<std::vector<float>> weights;
  const double loss = group_loss(odds, all, beta, epsilon, weights);
  gradient.clear();
  for (std::size_t i = 0; i < answers.size(); ++i)
    for (std::size_t t = 0; t < answers[i].tokens.size(); ++t)
      for (std::size_t v = 0; v < 5; ++v)
        gradient.push_back(static_cast<double>(weights[i][t]) *
                           (std::exp(log_p(answers[i].now[t], v)) - (v == answers[i].tokens[t] ? 1 : 0)));
  return loss;
}

TEST(GroupLoss, LossAndGradientAreThoseOfThePlainFormula) {
  for (const double apart : {0.0, 0.1, 0.9})
    for (const double beta : {0.0, 0.04, 2.0}) {
      constexpr double kEpsilon = 0.2;
      std::vector<PlainAnswer> answers = hand_made(apart);
      std::vector<double> gradient;
      const double loss = loss_of(answers, beta, kEpsilon, gradient);
      EXPECT_NEAR(loss, plain_loss(answers, beta, kEpsilon), 1e-12) << apart << " " << beta;
      std::size_t at = 0;
      double largest = 0;
      for (PlainAnswer& a : answers)
        for (std::vector<double>& row : a.now)
          for (double& z : row) {
            constexpr double kStep = 1e-5;
            const double kept = z;
            z = kept + kStep;
            const double up = plain_loss(answers, beta, kEpsilon);
            z = kept - kStep;
            const double down = plain_loss(answers, beta, kEpsilon);
            z = kept;
            // Weights are floats: 6e-8 of numbers up to 1.
            EXPECT_NEAR(gradient[at], (up - down) / (2 * kStep), 2e-7) << apart << " " << beta << " " << at;
            largest = std::max(largest, std::fabs(gradient[at++]));
          }
      EXPECT_GT(largest, 1e-2);
    }
}

TEST(GroupLoss, AtTheFirstUseTheLossIsTheMeanAdvantageOfTokens) {
  std::vector<PlainAnswer> answers = hand_made(0);
  std::vector<double> gradient;
  EXPECT_NEAR(loss_of(answers, 0, 0.2, gradient), -(3 * 1.1 - 1 * 0.7 - 4 * 0.4) / 8, 1e-12);
}

TEST(GroupLoss, OutsideTheBoundsNothingMovesFurther) {
  // Log-probabilities alone: ratios 1.5, 1.5, 0.5, 0.5 with advantages 1, -1, 1, -1.
  const std::vector<double> up{std::log(1.5)}, down{std::log(0.5)}, sampled{0.0};
  const std::vector<AnswerOdds> odds{{up, sampled, {}}, {up, sampled, {}}, {down, sampled, {}}, {down, sampled, {}}};
  std::vector<std::vector<float>> weights;
  const double loss = group_loss(odds, std::vector<double>{1, -1, 1, -1}, 0, 0.2, weights);
  EXPECT_NEAR(loss, -(1.2 - 1.5 + 0.5 - 0.8) / 4, 1e-12);
  EXPECT_EQ(weights[0][0], 0);                    // likelier by enough already
  EXPECT_NEAR(weights[1][0], -1.5 / 4, 1e-6);     // likelier, and should not be
  EXPECT_NEAR(weights[2][0], 0.5 / 4, 1e-6);
  EXPECT_EQ(weights[3][0], 0);
}

TEST(GroupLoss, TokensOfASequenceHaveWeightsOfTheirOwn) {
  const std::vector<std::int32_t> prompt{7, 8}, answer{1, 2, 3};
  const std::vector<float> each{0.5f, 0, -2};
  Sequence s{prompt, answer, {}, 2};
  s.each = each;
  const std::vector<SequenceWeight> unused{{9, 9}};
  const Batch all = batch_of({&s, 1}, unused, 1, false);
  EXPECT_EQ(all.tokens, (std::vector<std::int32_t>{7, 8, 1, 2}));
  EXPECT_EQ(all.targets, (std::vector<std::int32_t>{8, 1, 2, 3}));
  EXPECT_EQ(std::vector<float>(all.weights.begin() + 1, all.weights.end()), each);
  const Batch counted = batch_of({&s, 1}, std::vector<SequenceWeight>{{9, 0}}, 1, true);
  EXPECT_EQ(counted.wanted, (std::vector<std::int32_t>{1, 3}));
  EXPECT_EQ(counted.targets, (std::vector<std::int32_t>{1, 3}));
  EXPECT_EQ(counted.weights, (std::vector<float>{0.5f, -2}));
}

}  // namespace
}  // namespace bantam::adapt
