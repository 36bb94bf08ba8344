#include "infer/draft_length.h"

#include <algorithm>

namespace bantam::infer {

namespace {

constexpr std::size_t kTrial = 2, kTrials = 2;  // guesses in a pass that tries, and such passes
constexpr std::size_t kShortestPause = 16, kLongestPause = 256, kPlainAfter = 64;
constexpr double kNew = 0.25;      // the share of a new sample in a mean
constexpr double kKept = 0.9;      // of the tries so far, at each new guess
// Guesses must be faster by so much: what is saved by less is in the noise, and a draft takes heat
// and cache from the model.
constexpr double kWorthIt = 1.03;

}  // namespace

void DraftLength::Mean::add(double sample) {
  value = known ? (1 - kNew) * value + kNew * sample : sample;
  known = true;
}

void DraftLength::guessed(double seconds) { guess_.add(seconds); }

void DraftLength::passed(std::size_t guesses, double seconds) {
  if (guesses <= kMost) pass_[guesses].add(seconds);
}

void DraftLength::learn(std::size_t proposed, std::size_t accepted) {
  // Those behind the first wrong one were not tried.
  const std::size_t tried = std::min(proposed, accepted + 1);
  for (std::size_t i = 0; i < tried; ++i) {
    hits_ = kKept * hits_ + (i < accepted ? 1 : 0);
    tries_ = kKept * tries_ + 1;
  }
}

// What has not been measured costs what the next shorter did, until it is.
double DraftLength::pass_seconds(std::size_t guesses) const {
  while (guesses > 0 && !pass_[guesses].known) --guesses;
  return pass_[guesses].value;
}

double DraftLength::rate(std::size_t guesses, double chance) const {
  if (!pass_[0].known || (guesses > 0 && !guess_.known)) return 0;
  double tokens = 1, right = 1;
  for (std::size_t i = 0; i < guesses; ++i) tokens += right *= chance;
  return tokens / (static_cast<double>(guesses) * guess_.value + pass_seconds(guesses));
}

std::size_t DraftLength::best(double chance) const {
  std::size_t best = 1;
  for (std::size_t n = 2; n <= kMost; ++n)
    if (rate(n, chance) > rate(best, chance)) best = n;
  return rate(best, chance) >= kWorthIt * rate(0) ? best : 0;
}

std::size_t DraftLength::next() {
  if (fixed_ > 0) return fixed_;
  // A plain pass is what all is compared with; it gets slower as the text grows.
  if (!pass_[0].known || ++since_plain_ >= kPlainAfter) {
    since_plain_ = 0;
    return 0;
  }
  if (pause_ > 0) {
    since_plain_ = 0;
    if (--pause_ > 0) return 0;
    trials_ = kTrials;
    hits_ = 1;
    tries_ = 2;
  }
  if (guess_.known && best(1) == 0) {  // not even if all came true
    pause_ = kLongestPause;
    return 0;
  }
  if (trials_ > 0 || !guess_.known) {
    trials_ -= std::min<std::size_t>(trials_, 1);
    return kTrial;
  }
  const std::size_t now = best(acceptance());
  if (now > 0) {
    next_pause_ = kShortestPause;
    return now;
  }
  pause_ = next_pause_;
  next_pause_ = std::min(next_pause_ * 2, kLongestPause);
  return 0;
}

}  // namespace bantam::infer
