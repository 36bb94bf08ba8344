// Forward passes for looking into a model: without a cache, several variants of a question as one
// batch, observed. Weights as they are served, quantised or not; keys and values rounded as a cache
// would round them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "models/model.h"
#include "nn/observer.h"
#include "tensor/runtime.h"

namespace bantam::explain {

// What is asked: how likely `answer` is after `prompt`. Neither is empty.
struct Question {
  std::vector<std::int32_t> prompt, answer;
};

// What is put in the place of numbers that are taken away: nothing, or their mean over the rows of
// the question, so that only what tells the rows apart is gone.
enum class Fill : std::uint8_t { zero, mean };

// Columns [first, first + count) of a point are taken away.
struct Removal {
  nn::Point point;
  int layer;
  std::int64_t first, count;
};

struct Variant {
  std::vector<std::int32_t> prompt;
  std::vector<Removal> removals = {};
};

class Probe {
 public:
  // What is given outlives the probe. `go_on` is asked between passes; when it says no, an Error.
  // `cache`: the type of the cache whose answers are explained. Throws Error where the model cannot
  // have one of it.
  Probe(const Model& model, Runtime runtime, Arithmetic arithmetic,
        std::function<bool()> go_on = {}, Type cache = Type::f32);

  const Config& config() const { return model_.config(); }
  const Model& model() const { return model_; }
  Context& context() { return ctx_; }

  // Throws Error for a token that the vocabulary has not, or a question that is longer than the
  // context or empty on one side.
  void check(const Question& question) const;

  // One sequence; `answer` follows the prompt, and the rows that foretell it are wanted.
  Batch batch(const Question& question) const;
  // Starts a pass: what the last one made is gone.
  Tensor forward(const Batch& batch, nn::Observer* observer, Tape* tape = nullptr);

  // The natural logarithm of the probability of the whole answer after each variant's prompt.
  std::vector<double> answers(std::span<const Variant> variants,
                              std::span<const std::int32_t> answer, Fill fill = Fill::zero);
  double answer(const Question& question);

 private:
  void run(std::span<const Variant> variants, std::span<const std::int32_t> answer, Fill fill,
           std::vector<double>& to);

  const Model& model_;
  Arena arena_;
  Context ctx_;
  std::function<bool()> go_on_;
  Type cache_;
};

// ln p(answer) of rows of logits, one for each token of it.
double log_probability(const Tensor& logits, std::int64_t first,
                       std::span<const std::int32_t> answer);

}  // namespace bantam::explain
