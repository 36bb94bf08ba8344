#include "infer/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "infer/sampler_options.h"
#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

constexpr std::array kStages{&kLogitBias, &kPenalties, &kDry, &kTopNSigma,   &kTopK,    &kTypical,
                             &kTopP,      &kMinP,      &kXtc, &kTemperature, &kMirostat};

bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

Error no_numbers() {
  return Error(
      "no logit of this step is a number: the model's weights are damaged or out of range");
}

Error nothing_allowed() {
  return Error("none of the tokens that may come next has a number of its own");
}

}  // namespace

std::span<const SamplerStage* const> sampler_stages() { return kStages; }

void SamplingOptions::check() const {
  SamplingOptions checked;
  for (const SamplerOption& option : sampler_options())
    set_value(option, checked, value_of(option, *this));
  for (const LogitBias& b : logit_bias)
    if (std::isnan(b.bias) || b.bias > 1e6)
      throw Error("a number was expected").field("logit-bias");
}

Candidates::Candidates(std::span<const float> logits, std::span<const bool> allowed) {
  list_.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || (!allowed.empty() && !allowed[i])) continue;
    list_.push_back({static_cast<std::int32_t>(i), logits[i]});
    largest_ = std::max(largest_, logits[i]);
  }
  if (!(largest_ > -std::numeric_limits<float>::infinity()))
    throw allowed.empty() ? no_numbers() : nothing_allowed();
  // Nothing but an infinite one has a share beside it.
  if (std::isinf(largest_)) {
    keep([](const Candidate& c) { return std::isinf(c.logit) && c.logit > 0; });
    for (Candidate& c : list_) c.logit = 0;
    largest_ = 0;
  }
}

std::optional<Candidates> Candidates::likeliest(std::span<const float> logits, std::size_t count,
                                                std::span<const std::int32_t> ids) {
  // Of the largest of each block, `count` are at least as large as the count-th of them: so many
  // logits are, too.
  constexpr std::size_t kBlock = 16;
  const std::size_t blocks = (logits.size() + kBlock - 1) / kBlock;
  if (count == 0 || blocks < 4 * (count + ids.size())) return std::nullopt;
  std::vector<float> largest(blocks, -std::numeric_limits<float>::infinity());
  for (std::size_t b = 0; b < blocks; ++b)
    for (const float logit :
         logits.subspan(b * kBlock, std::min(kBlock, logits.size() - b * kBlock)))
      largest[b] = logit > largest[b] ? logit : largest[b];  // NaN is not
  std::vector<float> ranked = largest;
  const auto place = ranked.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(ranked.begin(), place, ranked.end(), std::greater());
  const float least = *place;
  if (!std::isfinite(least)) return std::nullopt;
  Candidates out;
  const auto add = [&](std::size_t i) {
    const float logit = logits[i];
    if (std::isnan(logit)) return;
    out.list_.push_back({static_cast<std::int32_t>(i), logit});
    out.largest_ = std::max(out.largest_, logit);
  };
  auto next = ids.begin();
  const auto add_ids_before = [&](std::size_t end) {
    for (; next != ids.end() && static_cast<std::size_t>(*next) < end; ++next)
      if (!(logits[static_cast<std::size_t>(*next)] >= least)) add(static_cast<std::size_t>(*next));
  };
  for (std::size_t b = 0; b < blocks; ++b) {
    if (largest[b] < least) continue;
    for (std::size_t i = b * kBlock; i < std::min((b + 1) * kBlock, logits.size()); ++i) {
      if (!(logits[i] >= least)) continue;
      add_ids_before(i);
      add(i);
    }
  }
  add_ids_before(logits.size());
  if (!std::isfinite(out.largest_)) return std::nullopt;
  return out;
}

Candidate* Candidates::find(std::int32_t id) {
  const auto found = by_id_ ? std::ranges::lower_bound(list_, id, {}, &Candidate::id)
                            : std::ranges::find(list_, id, &Candidate::id);
  return found != list_.end() && found->id == id ? &*found : nullptr;
}

void Candidates::refresh() {
  sorted_ = 0;
  std::erase_if(list_, [](const Candidate& c) { return !std::isfinite(c.logit); });
  if (list_.empty()) throw Error("the penalties and biases leave no token to choose from");
  largest_ = list_.front().logit;
  for (const Candidate& c : list_) largest_ = std::max(largest_, c.logit);
}

void Candidates::keep_marked(const std::vector<bool>& kept) {
  std::size_t to = 0;
  for (std::size_t i = 0; i < list_.size(); ++i)
    if (kept[i]) list_[to++] = list_[i];
  list_.resize(to);
  refresh();
}

void Candidates::drop_front(std::size_t count) {
  list_.erase(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count));
  sorted_ -= count;
  largest_ = list_.front().logit;
}

void Candidates::sort(std::size_t count) {
  count = std::min(count, list_.size());
  if (count <= sorted_) return;
  by_id_ = false;
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
    : options_(options),
      random_(options.seed, stream),
      xtc_random_(options.seed, ~stream),
      mirostat_mu_(2 * options.mirostat_tau) {
  options_.check();
  if (!options_.mirostat) return;
  options_.top_n_sigma = options_.xtc_probability = options_.min_p = 0;
  options_.top_k = 0;
  options_.typical_p = options_.top_p = 1;
}

void Sampler::see(std::span<const std::int32_t> tokens) {
  history_.insert(history_.end(), tokens.begin(), tokens.end());
}

void Sampler::set_breakers(std::vector<bool> breakers) {
  breaker_count_ = breakers.size();
  breakers_ = std::make_unique<bool[]>(breaker_count_);
  std::ranges::copy(breakers, breakers_.get());
}

bool Sampler::changes_logits() const {
  return !options_.logit_bias.empty() || options_.repeat_penalty != 1 ||
         options_.frequency_penalty != 0 || options_.presence_penalty != 0 ||
         options_.dry_multiplier > 0;
}

// The ids whose logits the stages before top-n-sigma may change.
std::vector<std::int32_t> Sampler::touched(std::span<const std::int32_t> history) const {
  std::vector<std::int32_t> ids;
  for (const LogitBias& b : options_.logit_bias) ids.push_back(b.id);
  const auto add_last = [&](std::int64_t most) {
    const auto last = most < 0 ? history
                               : history.last(std::min(history.size(),
                                                       static_cast<std::size_t>(most)));
    ids.insert(ids.end(), last.begin(), last.end());
  };
  if (options_.repeat_penalty != 1 || options_.frequency_penalty != 0 ||
      options_.presence_penalty != 0)
    add_last(options_.penalty_last);
  if (options_.dry_multiplier > 0) add_last(options_.dry_last);
  std::ranges::sort(ids);
  const auto rest = std::ranges::unique(ids);
  ids.erase(rest.begin(), rest.end());
  return ids;
}

// Where top-k follows, no more than can be among its k: those that nothing touches and that k + all
// touched ones are likelier than are left out at once. The choice is the same.
Candidates Sampler::candidates(std::span<const std::int32_t> history,
                               std::span<const float> logits,
                               std::span<const bool> allowed) const {
  const bool one = options_.temperature == 0;
  if (allowed.empty() && (one || (options_.top_k > 0 && options_.top_n_sigma <= 0))) {
    const std::vector<std::int32_t> ids = touched(history);
    const bool known =
        ids.empty() || (ids.front() >= 0 && static_cast<std::size_t>(ids.back()) < logits.size());
    const auto wanted = one ? 1 : static_cast<std::size_t>(options_.top_k);
    if (known && wanted < logits.size())
      if (auto few = Candidates::likeliest(logits, wanted + ids.size(), ids))
        return *std::move(few);
  }
  return Candidates(logits, allowed);
}

Sampler::Choice Sampler::pick(std::span<const std::int32_t> history, std::uint64_t index,
                              std::span<const float> logits, std::span<const bool> allowed) const {
  const bool likeliest = options_.temperature == 0;
  if (likeliest && !changes_logits() && allowed.empty()) return {greedy(logits)};
  const SamplerState state{
      history, {breakers_.get(), breaker_count_}, xtc_random_.uniform(index), mirostat_mu_};
  Candidates candidates = this->candidates(history, logits, allowed);
  for (const SamplerStage* stage : kStages) {
    if (likeliest && stage == &kTopNSigma) break;
    stage->apply(options_, state, candidates);
  }
  if (!likeliest) return draw(candidates, index);
  candidates.sort(1);
  return {candidates.all().front().id};
}

Sampler::Choice Sampler::draw(const Candidates& candidates, std::uint64_t index) const {
  const std::vector<double> weights = candidates.weights();
  double total = 0;
  for (const double w : weights) total += w;
  double left = random_.uniform(index) * total;
  std::size_t chosen = 0;
  while (chosen + 1 < weights.size() && (left -= weights[chosen]) >= 0) ++chosen;
  Choice choice{candidates.all()[chosen].id};
  if (options_.mirostat)
    choice.surprise = -bantam_log(std::max(weights[chosen] / total, 1e-300)) / kLn2;
  return choice;
}

std::int32_t Sampler::choose(std::span<const float> logits, std::span<const bool> allowed) {
  const std::uint64_t index = chosen_++;
  const Choice choice = pick(history_, index, logits, allowed);
  if (options_.mirostat && options_.temperature != 0)
    mirostat_mu_ -= options_.mirostat_eta * (choice.surprise - options_.mirostat_tau);
  history_.push_back(choice.id);
  return choice.id;
}

std::int32_t Sampler::foresee(std::span<const std::int32_t> history, std::uint64_t ahead,
                              std::span<const float> logits) const {
  return pick(history, chosen_ + ahead, logits, {}).id;
}

}  // namespace bantam::infer
