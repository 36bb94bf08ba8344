#include "infer/answer.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "infer/decoder.h"

namespace bantam::infer {

std::string_view stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::none:
      return "none";
    case StopReason::end:
      return "end";
    case StopReason::stop_string:
      return "stop";
    case StopReason::length:
      return "length";
    case StopReason::context:
      return "context";
    case StopReason::interrupted:
      return "interrupted";
  }
  return "";
}

namespace {

// Tokens whose text has one of the breakers in it.
std::vector<bool> breakers_of(const Tokenizer& tokenizer, std::span<const std::string> breakers) {
  std::vector<bool> out(static_cast<std::size_t>(tokenizer.size()));
  for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
    const std::string text = tokenizer.decode({&id, 1});
    for (const std::string& breaker : breakers)
      if (!breaker.empty() && text.find(breaker) != std::string::npos)
        out[static_cast<std::size_t>(id)] = true;
  }
  return out;
}

}  // namespace

Answer::Answer(std::shared_ptr<const Tokenizer> tokenizer, AnswerOptions options)
    : tokenizer_(std::move(tokenizer)),
      options_(std::move(options)),
      sampler_(options_.sampling, options_.stream),
      decoder_(tokenizer_),
      stops_(options_.stops) {
  for (const std::int32_t id : options_.continues)
    if (id >= 0 && id < tokenizer_->size()) decoder_.feed(id);
  if (options_.sampling.dry_multiplier > 0)
    sampler_.set_breakers(breakers_of(*tokenizer_, options_.sampling.dry_breakers));
  if (options_.most_tokens == 0) reason_ = StopReason::length;
}

std::string Answer::show(std::string piece) {
  std::string shown = stops_.feed(piece);
  text_ += shown;
  return shown;
}

std::string Answer::step(std::span<const float> logits) {
  if (stopped()) throw Error("the answer has stopped already");
  const std::int32_t id = sampler_.choose(logits, allowed(logits.size()));
  ids_.push_back(id);
  if (options_.top_probabilities >= 0)
    probabilities_.push_back(log_probabilities(logits, id, options_.top_probabilities));
  if (tokenizer_->ends(id)) return stop(StopReason::end);
  // Embeddings may have more rows than the tokenizer has tokens; those stand for nothing.
  std::string shown = id < tokenizer_->size() ? show(decoder_.feed(id)) : "";
  if (!stops_.met().empty()) {
    reason_ = StopReason::stop_string;
    return shown;
  }
  if (static_cast<std::int64_t>(ids_.size()) == options_.most_tokens)
    shown += stop(StopReason::length);
  return shown;
}

std::span<const bool> Answer::allowed(std::size_t count) {
  if (!options_.constraint) return {};
  if (!allowed_) allowed_ = std::make_unique<bool[]>(count);
  const std::span<bool> flags(allowed_.get(), count);
  std::ranges::fill(flags, true);
  options_.constraint->restrict(ids_, flags);
  return flags;
}

std::int64_t Answer::left() const {
  return options_.most_tokens < 0 ? INT64_MAX
                                  : options_.most_tokens - static_cast<std::int64_t>(ids_.size());
}

std::string Answer::stop(StopReason reason) {
  if (stopped()) return "";
  std::string shown = show(decoder_.finish());
  reason_ = stops_.met().empty() ? reason : StopReason::stop_string;
  const std::string held = stops_.finish();
  text_ += held;
  return shown + held;
}

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Timing generate(Session& session, std::int64_t slot, std::span<const std::int32_t> prompt,
                Answer& answer, const OnPiece& on_piece, const Session::GoOn& go_on,
                Proposer* proposer) {
  Timing timing;
  const Clock::time_point start = Clock::now();
  Going going(prompt, answer);
  session.require_known(prompt);
  session.require_room(static_cast<std::int64_t>(prompt.size()));
  if (answer.stopped()) return timing;
  going.proposer = proposer;
  Decoder decoder(session);
  decoder.seat(going, slot);
  timing.prompt_tokens = static_cast<std::int64_t>(prompt.size()) - going.reused();
  Going* const all[] = {&going};
  Clock::time_point answering = start;
  while (!going.over()) {
    const bool first = answer.ids().empty();
    const bool whole = decoder.step(all, go_on);
    if (going.fault()) std::rethrow_exception(going.fault());
    if (first && !answer.ids().empty()) {
      timing.prompt_seconds = seconds_since(start);
      answering = Clock::now();
    }
    if (!whole) going.stop(StopReason::interrupted);
    const std::string piece = going.take_text();
    if (!piece.empty() && on_piece && !on_piece(piece) && !answer.stopped())
      going.stop(StopReason::interrupted);
  }
  if (!answer.ids().empty()) timing.answer_seconds = seconds_since(answering);
  return timing;
}

}  // namespace bantam::infer
