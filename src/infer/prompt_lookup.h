// Guesses from the text itself: what followed the last time that the same few tokens stood (prompt
// look-up; apoorvumang/prompt-lookup-decoding, README). It costs no model, and pays where an answer
// repeats its prompt or itself: a rewriting, a summary, code, a list.
//
// How likely such a guess is depends on how far back the two places agree: three tokens alike say
// little, twenty mean that the text is being repeated. The text tells for itself, and for nothing:
// at each of its tokens it is seen what would have been guessed there.
#pragma once

#include <array>
#include <unordered_map>

#include "base/rooms.h"
#include "infer/hooks.h"

namespace bantam::infer {

class PromptLookup : public Proposer {
 public:
  std::vector<std::int32_t> propose(std::span<const std::int32_t> sequence,
                                    const GuessRoom& room) override;
  void learn(std::size_t, std::size_t) override {}

  // How likely a guess is where this many tokens before it are the same (from kGram on).
  double chance(std::size_t alike) const;

  static constexpr std::size_t kGram = 3;

 private:
  // Of grams that have come before, where what followed the last one stands; 0: none.
  std::size_t found(std::span<const std::int32_t> sequence, std::size_t end) const;
  void read(std::span<const std::int32_t> sequence);

  struct Count {
    double right, tries;  // older ones count for less
  };
  std::unordered_map<std::uint64_t, std::size_t> follows_;  // what stands behind the last such gram
  std::size_t indexed_ = 0;  // tokens before this place are in it
  // By tokens alike: 3, 4, 5 and 6, 7 to 9, 10 to 15, 16 and more. They begin as they are in ordinary
  // texts.
  std::array<Count, 6> counts_{{{0.6, 2}, {0.9, 2}, {1.2, 2}, {1.4, 2}, {1.6, 2}, {1.8, 2}}};
};

}  // namespace bantam::infer
