#include "infer/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam {

namespace {

constexpr std::array kStages{&kTopK, &kTopP, &kMinP, &kTemperature};

bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

Error no_numbers() {
  return Error(
      "no logit of this step is a number: the model's weights are damaged or out of range");
}

}  // namespace

std::span<const SamplerStage* const> sampler_stages() { return kStages; }

void SamplingOptions::check() const {
  const auto refuse = [](const char* field, const char* expected) {
    throw Error(std::string(expected) + " was expected").field(field);
  };
  if (!(temperature >= 0 && temperature <= 1000)) refuse("temperature", "a number from 0 to 1000");
  if (top_k < 0) refuse("top-k", "a whole number from 0");
  if (!(top_p > 0 && top_p <= 1)) refuse("top-p", "a number above 0, at most 1");
  if (!(min_p >= 0 && min_p <= 1)) refuse("min-p", "a number from 0 to 1");
}

Candidates::Candidates(std::span<const float> logits) {
  list_.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) continue;
    list_.push_back({static_cast<std::int32_t>(i), logits[i]});
    largest_ = std::max(largest_, logits[i]);
  }
  if (!(largest_ > -std::numeric_limits<float>::infinity())) throw no_numbers();
  // Nothing but an infinite one has a share beside it.
  if (std::isinf(largest_)) {
    keep([](const Candidate& c) { return std::isinf(c.logit) && c.logit > 0; });
    for (Candidate& c : list_) c.logit = 0;
    largest_ = 0;
  }
}

void Candidates::sort(std::size_t count) {
  count = std::min(count, list_.size());
  if (count <= sorted_) return;
  std::partial_sort(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count), list_.end(),
                    likelier);
  sorted_ = count;
}

void Candidates::cut(std::size_t count) {
  list_.resize(std::min(std::max<std::size_t>(count, 1), list_.size()));
  sorted_ = std::min(sorted_, list_.size());
}

void Candidates::scale(double divisor) {
  const double most = static_cast<double>(largest_);
  for (Candidate& c : list_)
    c.logit = static_cast<float>((static_cast<double>(c.logit) - most) / divisor);
  largest_ = 0;
}

std::vector<double> Candidates::weights() const {
  std::vector<double> out;
  out.reserve(list_.size());
  const double most = static_cast<double>(largest_);
  for (const Candidate& c : list_) out.push_back(bantam_exp(static_cast<double>(c.logit) - most));
  return out;
}

std::int32_t greedy(std::span<const float> logits) {
  std::size_t best = logits.size();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) continue;
    if (best == logits.size() || logits[i] > logits[best]) best = i;
  }
  if (best == logits.size()) throw no_numbers();
  return static_cast<std::int32_t>(best);
}

Sampler::Sampler(const SamplingOptions& options, std::uint64_t stream)
    : options_(options), random_(options.seed, stream) {
  options_.check();
}

std::int32_t Sampler::choose(std::span<const float> logits) {
  const std::uint64_t index = chosen_++;
  if (options_.temperature == 0) return greedy(logits);
  Candidates candidates(logits);
  for (const SamplerStage* stage : kStages) stage->apply(options_, candidates);
  const std::vector<double> weights = candidates.weights();
  double total = 0;
  for (const double w : weights) total += w;
  double left = random_.uniform(index) * total;
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return candidates.all()[i].id;
  }
  return candidates.all().back().id;
}

}  // namespace bantam
