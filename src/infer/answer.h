// One answer in the making: chooses tokens from logits, turns them into text as it becomes certain,
// and knows when to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "infer/hooks.h"
#include "infer/log_probabilities.h"
#include "infer/sampler.h"
#include "infer/session.h"
#include "infer/stop.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace bantam::infer {

enum class StopReason : std::uint8_t {
  none,         // not yet
  end,          // the model ended its text
  stop_string,  // a stop string was complete
  length,       // as many tokens as were asked for
  context,      // the context is full
  interrupted,  // the caller said so
};
std::string_view stop_reason_name(StopReason reason);  // "end", "stop", "length", ...

struct AnswerOptions {
  SamplingOptions sampling;
  std::uint64_t stream = 0;        // tells answers of one seed apart
  std::int64_t most_tokens = -1;   // negative: until something else stops it
  std::vector<std::string> stops;  // text from the first one on is never shown
  // What the answer's text continues: a space or half a character at the border is then as it would
  // be in the whole text. Empty: the answer is a text of its own.
  std::vector<std::int32_t> continues;
  // Keep the probability of each token and of so many others (negative: nothing).
  std::int64_t top_probabilities = -1;
  std::shared_ptr<Constraint> constraint = nullptr;  // says which tokens may come; null: all
};

class Answer {
 public:
  Answer(std::shared_ptr<const Tokenizer> tokenizer, AnswerOptions options);

  // What stands before the answer, for penalties.
  void see(std::span<const std::int32_t> tokens) { sampler_.see(tokens); }

  // Takes the logits after the last token: the next token is the last of ids(). Returns the text
  // that is certain by it, always whole characters, often none.
  std::string step(std::span<const float> logits);
  // Ends an answer from outside: the context is full, or the caller wants no more. Returns the text
  // that was held back.
  std::string stop(StopReason reason);

  // What step() would choose `ahead` tokens from now, after `sequence` (the prompt and the answer as
  // far as it is known or guessed), were these the logits; a constraint is not asked.
  std::int32_t foresee(std::span<const std::int32_t> sequence, std::uint64_t ahead,
                       std::span<const float> logits) const {
    return sampler_.foresee(sequence, ahead, logits);
  }

  StopReason reason() const { return reason_; }
  // Tokens that may still come before the length ends it.
  std::int64_t left() const;
  bool stopped() const { return reason_ != StopReason::none; }
  std::span<const std::int32_t> ids() const { return ids_; }  // the end token included
  const std::string& text() const { return text_; }           // all that was returned
  // One for each of ids() when the options ask for them.
  std::span<const TokenProbabilities> probabilities() const { return probabilities_; }

 private:
  std::string show(std::string piece);
  std::span<const bool> allowed(std::size_t count);

  std::shared_ptr<const Tokenizer> tokenizer_;
  AnswerOptions options_;
  Sampler sampler_;
  StreamDecoder decoder_;
  StopStrings stops_;
  std::unique_ptr<bool[]> allowed_;  // for the constraint
  std::vector<std::int32_t> ids_;
  std::vector<TokenProbabilities> probabilities_;
  std::string text_;
  StopReason reason_ = StopReason::none;
};

struct Timing {
  std::int64_t prompt_tokens = 0;  // evaluated: without those that the cache held already
  double prompt_seconds = 0;
  double answer_seconds = 0;  // from the first token to the last
};

// Called with each piece of text; false stops the answer.
using OnPiece = std::function<bool(std::string_view piece)>;

// Continues `prompt` (all tokens of the sequence, of which the slot may hold a beginning already).
// `go_on` is asked between forward passes. Afterwards the slot holds the prompt and all but the
// last token of the answer, or what had been evaluated when it was interrupted. A `proposer` may
// guess tokens ahead: the answer is the same. Throws Error when
// the prompt is empty, does not fit the context, or has an id outside the vocabulary.
Timing generate(Session& session, std::int64_t slot, std::span<const std::int32_t> prompt,
                Answer& answer, const OnPiece& on_piece = {}, const Session::GoOn& go_on = {},
                Proposer* proposer = nullptr);

}  // namespace bantam::infer
