// How near a model's answers are to those of the model that it was made from.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "infer/session.h"

namespace bantam::shrink {

// A row of tokens in parts that are seen together, each after the token that begins a text, if the
// model has one.
struct Passages {
  std::vector<std::int32_t> tokens;
  std::int64_t length = 512;
  std::optional<std::int32_t> begin;

  std::int64_t count() const { return (std::ssize(tokens) + length - 1) / length; }
  std::vector<std::int32_t> passage(std::int64_t index) const;
};

struct Fidelity {
  std::int64_t positions = 0;
  double kl_mean = 0, kl_99 = 0;  // Kullback-Leibler divergence from the parent, nats a token
  double same_top = 0;            // share of positions with the same likeliest token
  double perplexity = 0, parent_perplexity = 0;
  struct Position {
    std::int64_t index = 0;  // among the tokens
    double kl = 0;
    std::int32_t parent_top = 0, top = 0;
  };
  std::vector<Position> worst;  // the largest divergences first, ten at most
};

// Whether to go on, asked with the passages done and their number.
using Tick = std::function<void(std::int64_t done, std::int64_t count)>;

// Runs both over the passages. Throws Error when their vocabularies differ.
Fidelity compare_models(Session& parent, Session& child, const Passages& passages, ThreadPool& pool,
                        const Tick& tick);

}  // namespace bantam::shrink
