// From logits to a token. A chain of stages narrows the candidates in a stated order, then one is
// drawn. A stage is one file with one row in the table of sampler.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace bantam {

struct SamplingOptions {
  double temperature = 0.8;  // 0: always the likeliest token, of equal ones the lowest id
  std::int64_t top_k = 40;   // 0: all
  double top_p = 0.95;       // 1: all
  double min_p = 0.05;       // 0: all
  std::uint64_t seed = 0;

  // Throws Error that names what is out of its range.
  void check() const;
};

struct Candidate {
  std::int32_t id;
  float logit;
};

// What is left to choose from; never empty.
class Candidates {
 public:
  // All ids whose logit is a number; NaN counts as least likely. Throws Error when none is left.
  explicit Candidates(std::span<const float> logits);

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
  // Logits become (logit - largest) / divisor.
  void scale(double divisor);

  // exp(logit - largest) of each, in order: the probabilities but for their sum. The same bits on
  // every machine.
  std::vector<double> weights() const;

 private:
  std::vector<Candidate> list_;
  std::size_t sorted_ = 0;
  float largest_ = -std::numeric_limits<float>::infinity();
};

struct SamplerStage {
  std::string_view name;
  // Does nothing when the options do not ask for it.
  void (*apply)(const SamplingOptions& options, Candidates& candidates);
};

// In the order in which they are applied.
std::span<const SamplerStage* const> sampler_stages();

class Sampler {
 public:
  // `stream` tells answers of one seed apart (several at once). Throws Error as check() does.
  explicit Sampler(const SamplingOptions& options, std::uint64_t stream = 0);

  // The next token. The n-th choice depends on the logits, the options, the stream and n alone.
  // Throws Error when no logit is a number.
  std::int32_t choose(std::span<const float> logits);

 private:
  SamplingOptions options_;
  Random random_;
  std::uint64_t chosen_ = 0;
};

// The largest logit's id, the lowest of equal ones. Throws Error when none is a number.
std::int32_t greedy(std::span<const float> logits);

}  // namespace bantam
