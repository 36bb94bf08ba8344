// The decoding step that command line, library and server share: one forward pass for all answers
// in the making, each in a slot of its session, and the choice of their next tokens, spread over
// the pool.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "infer/answer.h"
#include "infer/hooks.h"
#include "infer/pass_cost.h"
#include "infer/session.h"

namespace bantam::infer {

// A sequence that goes on: a prompt, and the answer that grows behind it.
class Going {
 public:
  // The answer outlives this. Throws Error when the prompt is empty.
  Going(std::span<const std::int32_t> prompt, Answer& answer);

  // Tokens may be guessed ahead; the answer is the same. It outlives this.
  Proposer* proposer = nullptr;
  // Also keep how likely each token of the prompt was, and this many others: the prompt is then
  // read whole, whatever the slot holds. Negative: no.
  std::int64_t prompt_probabilities = -1;
  // The session's adapter under which the sequence is evaluated.
  std::int32_t adapter = Session::kNoAdapter;

  Answer& answer() { return *answer_; }
  std::span<const std::int32_t> prompt() const { return std::span(sequence_).first(prompt_); }
  std::int64_t slot() const { return slot_; }      // negative: none yet
  std::int64_t reused() const { return reused_; }  // tokens of the prompt that the slot held
  // Of the prompt's tokens from the second on, as far as it has been read.
  std::span<const TokenProbabilities> probabilities() const { return probabilities_; }
  // Text that has become certain since this was asked last: whole characters.
  std::string take_text();
  // What went wrong with this sequence alone (the model gave no number); null: nothing.
  std::exception_ptr fault() const { return fault_; }
  // No pass is needed any more.
  bool over() const;
  void stop(StopReason reason) { text_ += answer_->stop(reason); }

 private:
  friend class Decoder;
  bool reads() const { return read_ < prompt_; }
  void take(std::size_t index, std::span<const float> logits);

  Answer* answer_;
  std::vector<std::int32_t> sequence_;  // the prompt and the answer
  std::size_t prompt_;
  std::int64_t slot_ = -1, reused_ = 0;
  std::size_t read_ = 0;  // tokens of the sequence that the slot holds
  std::vector<TokenProbabilities> probabilities_;
  std::string text_;
  std::exception_ptr fault_;
  // Of the pass under way: what is read, guesses behind it, how many came true, and whether one did
  // not.
  std::vector<std::int32_t> fed_;
  std::size_t guesses_ = 0, accepted_ = 0;
  bool parted_ = false;
};

struct DecoderOptions {
  // Rows of a pass that go to prompts. While others wait for their next token a long prompt comes
  // in small pieces, which cost the pass little more than the weights' way through memory does.
  std::int64_t rows_alone = INT64_MAX, rows_beside = 48;
  std::int64_t room = INT64_MAX;  // tokens of a sequence, if fewer than the session has room for
};

class Decoder {
 public:
  // The session outlives this.
  explicit Decoder(Session& session, const DecoderOptions& options = {});

  std::int64_t room() const { return room_; }

  // Gives a sequence the slot that holds most of its beginning and is none of `others`'; what
  // another slot holds of it is copied. There must be a free one.
  void seat(Going& going, std::span<Going* const> others);
  // The same with a slot of the caller's choice. Throws Error when it does not exist.
  void seat(Going& going, std::int64_t slot);

  // One pass for all that are not over: a token of each answer (or several, guessed right), and a
  // piece of each prompt that is not read yet. One that has filled its room is stopped. `go_on` is
  // asked between forward passes; false: it said no. Throws Error when a prompt does not fit or has
  // an id outside the vocabulary, before anything is evaluated.
  bool step(std::span<Going* const> goings, const Session::GoOn& go_on = {});
  // Steps until all are over, as many at once as there are slots, in order; `done` is called with
  // each as it ends. False: `go_on` said no.
  bool run(std::span<Going* const> goings, const std::function<void(Going&)>& done = {},
           const Session::GoOn& go_on = {});

 private:
  std::int64_t choose_slot(const Going& going, std::span<Going* const> others);
  void feed(std::span<Going* const> active);
  void guess(Going& going, std::size_t sequences);
  void settle(Going& going);

  Session& session_;
  DecoderOptions options_;
  std::int64_t room_;
  std::vector<std::uint64_t> last_used_;  // by slot: the step that used it last
  std::uint64_t steps_ = 0;
  PassCost cost_;
};

}  // namespace bantam::infer
