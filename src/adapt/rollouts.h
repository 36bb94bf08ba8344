// Roll-outs: answers that the model which is being trained samples, by the generator that serves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/grpo.h"
#include "infer/session.h"
#include "models/model.h"
#include "tensor/runtime.h"
#include "tokenizer/tokenizer.h"

namespace bantam::adapt {

struct RollOut {
  std::vector<std::int32_t> ids;  // with the stop token, where it was sampled
  std::string text;
  bool cut = false;  // it did not end: no more tokens were allowed
};

class RollOuts {
 public:
  // `model` and what `runtime` lends outlive this. `longest`: tokens of the longest prompt. Throws
  // Error: what Session does.
  RollOuts(const Model& model, Runtime runtime, Arithmetic arithmetic,
           std::shared_ptr<const Tokenizer> tokenizer, const GroupSettings& settings,
           std::int64_t longest, std::uint64_t seed);

  // Answers to each prompt in turn, a group for each; the model may have changed since the last call.
  // An answer depends on the model, its prompt, the seed, `round` and its number among the round's
  // alone. Empty: `go_on`, which is asked between passes, said no.
  std::vector<RollOut> sample(std::span<const std::span<const std::int32_t>> prompts,
                              std::uint64_t round, const std::function<bool()>& go_on);

  std::int64_t slots() const { return session_.slots(); }
  std::int64_t cache_bytes() const { return cache_bytes_; }

 private:
  std::int64_t cache_bytes_ = 0;  // before the session: its options set it
  std::shared_ptr<const Tokenizer> tokenizer_;
  GroupSettings settings_;
  std::uint64_t seed_;
  infer::Session session_;
};

}  // namespace bantam::adapt
