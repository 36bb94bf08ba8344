// Who may take part in the choice of tokens: a constraint says which may come next (a grammar, a
// schema, a text that must stand), a proposer guesses what will (speculation).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "infer/pass_cost.h"

namespace bantam::infer {

class Constraint {
 public:
  virtual ~Constraint() = default;
  // `answer`: the tokens so far. `allowed` has a flag for each row of the logits, all true: those
  // made false do not come. One left alone is forced. Called once for each token, in order, from
  // any one thread. Throws what ends the answer.
  virtual void restrict(std::span<const std::int32_t> answer, std::span<bool> allowed) = 0;
};

// What a guess is worth in the pass to come.
struct GuessRoom {
  std::size_t most = 0;       // tokens, at most
  std::size_t sequences = 1;  // that share the pass
  double base = PassCost::kExpected;  // what the pass costs whatever it reads, in rows (pass_cost.h)

  // The chance to come true from which on one more guess pays, where those before it are so many and
  // will give so many tokens: with n sequences alike, a pass gives n * (1 + right) tokens for
  // base + n * (1 + guesses) rows, and a guess must not make tokens dearer.
  double least_chance(std::size_t guesses, double right) const {
    return (1 + right) / (base / static_cast<double>(sequences) + 1 + static_cast<double>(guesses));
  }
};

class Proposer {
 public:
  virtual ~Proposer() = default;
  // What may follow `sequence`, prompt and answer so far: at most room.most tokens, or none. A guess
  // costs a row of the pass and never changes the answer: it stands where the sampler, with the
  // random number of that place, draws the same token.
  virtual std::vector<std::int32_t> propose(std::span<const std::int32_t> sequence,
                                            const GuessRoom& room) = 0;
  // How many of the tokens proposed last came true.
  virtual void learn(std::size_t proposed, std::size_t accepted) = 0;
  // How long the pass took that read so many guesses of this sequence (0: none were made).
  virtual void passed(std::size_t guesses, double seconds) {
    static_cast<void>(guesses);
    static_cast<void>(seconds);
  }
};

}  // namespace bantam::infer
