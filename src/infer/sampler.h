// From logits to a token. A chain of stages narrows the candidates in a stated order, then one is
// drawn. A stage is one file with one row in the table of sampler.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace bantam::infer {

// A token made likelier or less likely by a number added to its logit.
struct LogitBias {
  std::int32_t id;
  double bias;  // -infinity: never
};

// In the order in which the stages are applied. Defaults are those of llama.cpp's common/common.h.
struct SamplingOptions {
  std::vector<LogitBias> logit_bias;

  // Penalties for tokens among the last so many of prompt and answer (negative: all).
  std::int64_t penalty_last = 64;
  double repeat_penalty = 1;     // 1: none; divides positive logits, multiplies negative ones
  double frequency_penalty = 0;  // taken off for each time
  double presence_penalty = 0;   // taken off once

  // DRY: a token that would go on with what stood before already, for the length of the repetition.
  double dry_multiplier = 0;  // 0: off
  double dry_base = 1.75;
  std::int64_t dry_allowed = 2;  // a repetition of this length costs the multiplier
  std::int64_t dry_last = -1;    // looks so far back; negative: all
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};  // no repetition goes across

  double top_n_sigma = 0;      // 0: all
  std::int64_t top_k = 40;     // 0: all
  double typical_p = 1;        // 1: all
  double top_p = 0.95;         // 1: all
  double min_p = 0.05;         // 0: all
  double xtc_probability = 0;  // 0: never
  double xtc_threshold = 0.1;
  double temperature = 0.8;  // 0: always the likeliest token, of equal ones the lowest id

  // Mirostat 2: takes the place of the stages from top-n-sigma to XTC.
  bool mirostat = false;
  double mirostat_tau = 5;    // the surprise aimed at, in bits
  double mirostat_eta = 0.1;  // how fast

  std::uint64_t seed = 0;

  // Throws Error that names what is out of its range.
  void check() const;
};

// What a stage knows beside its options.
struct SamplerState {
  std::span<const std::int32_t> history;  // prompt and answer so far
  std::span<const bool> breakers;         // by token: stands for a border to DRY
  double draw = 0;                        // for XTC: in [0, 1), of this choice
  double mirostat_mu = 0;                 // the greatest surprise allowed now, in bits
};

struct Candidate {
  std::int32_t id;
  float logit;
};

// What is left to choose from; never empty.
class Candidates {
 public:
  // All ids whose logit is a number; NaN counts as least likely. `allowed`, unless it is empty, says
  // of each id whether it may come. Throws Error when none is left.
  explicit Candidates(std::span<const float> logits, std::span<const bool> allowed = {});

  // The `count` likeliest of the logits and whoever is as likely as the last of them, and those of
  // `ids` (rising); nothing when one pass over all is as good, or an infinite one needs care.
  static std::optional<Candidates> likeliest(std::span<const float> logits, std::size_t count,
                                             std::span<const std::int32_t> ids);

  std::span<const Candidate> all() const { return list_; }
  std::span<Candidate> all() { return list_; }
  std::size_t size() const { return list_.size(); }
  float largest() const { return largest_; }

  // The `count` likeliest come first, likeliest in front, equal ones by id; the rest in any order.
  void sort(std::size_t count);
  // Keeps the first `count` (at least one).
  void cut(std::size_t count);
  // Keeps those that `keep` says; one of the likeliest must be among them.
  template <class Keep>
  void keep(Keep&& keep) {
    std::erase_if(list_, [&](const Candidate& c) { return !keep(c); });
    sorted_ = std::min(sorted_, list_.size());
  }
  void keep_marked(const std::vector<bool>& kept);
  // Drops the first `count`, which sort() has put in front.
  void drop_front(std::size_t count);
  // The logits of those `ids` that are still there become change(id, logit): a look-up each while
  // nothing has sorted yet. What is not a number or not finite becomes impossible. Throws Error when
  // none is left.
  template <class Ids, class Change>
  void change_some(const Ids& ids, Change&& change) {
    for (const std::int32_t id : ids)
      if (Candidate* c = find(id))
        c->logit = static_cast<float>(change(id, static_cast<double>(c->logit)));
    refresh();
  }
  // Logits become (logit - largest) / divisor.
  void scale(double divisor);

  // exp(logit - largest) of each, in order: the probabilities but for their sum. The same bits on
  // every machine.
  std::vector<double> weights() const;

 private:
  Candidates() = default;
  void refresh();
  Candidate* find(std::int32_t id);
  std::vector<Candidate> list_;
  bool by_id_ = true;  // in rising order of their ids
  std::size_t sorted_ = 0;
  float largest_ = -std::numeric_limits<float>::infinity();
};

struct SamplerStage {
  std::string_view name;
  // Does nothing when the options do not ask for it.
  void (*apply)(const SamplingOptions& options, const SamplerState& state, Candidates& candidates);
};

// In the order in which they are applied.
std::span<const SamplerStage* const> sampler_stages();

class Sampler {
 public:
  // `stream` tells answers of one seed apart (several at once). Throws Error as check() does.
  explicit Sampler(const SamplingOptions& options, std::uint64_t stream = 0);

  // What stands before the answer, for penalties and DRY.
  void see(std::span<const std::int32_t> tokens);
  // By token: whether DRY takes it for a border. Tokens beyond are none.
  void set_breakers(std::vector<bool> breakers);

  // The next token. The n-th choice depends on the logits, the options, what was seen and chosen
  // before, the stream and n alone. `allowed`, unless it is empty, says of each id whether it may
  // come: the others are as if they were not there. Throws Error when no logit is a number.
  std::int32_t choose(std::span<const float> logits, std::span<const bool> allowed = {});
  // What would be chosen `ahead` choices from now, after `history` (prompt and answer so far), if
  // these were the logits: with the random number of that choice, so that a model which thinks alike
  // draws the same. Nothing changes. Throws Error as choose does.
  std::int32_t foresee(std::span<const std::int32_t> history, std::uint64_t ahead,
                       std::span<const float> logits) const;

 private:
  struct Choice {
    std::int32_t id;
    double surprise = 0;  // in bits, for mirostat
  };
  Choice pick(std::span<const std::int32_t> history, std::uint64_t index,
              std::span<const float> logits, std::span<const bool> allowed) const;
  Choice draw(const Candidates& candidates, std::uint64_t index) const;
  bool changes_logits() const;
  std::vector<std::int32_t> touched(std::span<const std::int32_t> history) const;
  Candidates candidates(std::span<const std::int32_t> history, std::span<const float> logits,
                        std::span<const bool> allowed) const;

  SamplingOptions options_;
  Random random_, xtc_random_;
  std::uint64_t chosen_ = 0;
  std::vector<std::int32_t> history_;
  std::unique_ptr<bool[]> breakers_;
  std::size_t breaker_count_ = 0;
  double mirostat_mu_;
};

// The largest logit's id, the lowest of equal ones. Throws Error when none is a number.
std::int32_t greedy(std::span<const float> logits);

}  // namespace bantam::infer
