// Guesses from the text itself: what followed the last time that the same few tokens stood (prompt
// look-up; apoorvumang/prompt-lookup-decoding, README). It costs no model, and pays where an answer
// repeats its prompt: a rewriting, a summary, code.
#pragma once

#include <unordered_map>

#include "base/rooms.h"
#include "infer/hooks.h"

namespace bantam::infer {

class PromptLookup : public Proposer {
 public:
  std::vector<std::int32_t> propose(std::span<const std::int32_t> sequence,
                                    std::size_t most) override;
  void learn(std::size_t proposed, std::size_t accepted) override;

 private:
  static constexpr std::size_t kGram = 3;
  std::uint64_t key(std::span<const std::int32_t> sequence, std::size_t end) const;

  std::unordered_map<std::uint64_t, std::size_t> follows_;  // what stands behind the last such gram
  std::size_t indexed_ = 0;  // grams that end before this place are in it
  // Off by itself: a guess that fails makes the next ones shorter, and several make a pause, each
  // twice as long as the one before.
  std::size_t length_ = 4, pause_ = 0, next_pause_ = 8;
};

}  // namespace bantam::infer
