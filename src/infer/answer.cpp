#include "infer/answer.h"

#include <chrono>

#include "base/error.h"

namespace bantam {

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
  const std::int32_t id = sampler_.choose(logits);
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
                Answer& answer, const OnPiece& on_piece, const Session::GoOn& go_on) {
  if (prompt.empty())
    throw Error("the prompt has no tokens; a model needs at least one to continue from");
  session.require_known(prompt);
  session.require_room(static_cast<std::int64_t>(prompt.size()));
  Timing timing;
  const Clock::time_point start = Clock::now();
  if (answer.stopped()) return timing;
  answer.see(prompt);
  const std::int64_t held = session.reuse(slot, prompt);
  std::vector<std::int32_t> next(prompt.begin() + held, prompt.end());
  timing.prompt_tokens = static_cast<std::int64_t>(next.size());
  const auto hand_on = [&](const std::string& piece) {
    if (!piece.empty() && on_piece && !on_piece(piece)) answer.stop(StopReason::interrupted);
  };
  Clock::time_point answering = start;
  while (!answer.stopped()) {
    std::string piece;
    const Session::Part part{slot, next, Session::Want::last};
    const bool whole = session.evaluate(
        {&part, 1},
        [&](std::size_t, std::size_t, std::span<const float> logits) {
          piece = answer.step(logits);
        },
        go_on);
    if (answer.ids().size() == 1) {
      timing.prompt_seconds = seconds_since(start);
      answering = Clock::now();
    }
    hand_on(piece);
    if (!whole) hand_on(answer.stop(StopReason::interrupted));
    if (answer.stopped()) break;
    next.assign(1, answer.ids().back());
    if (static_cast<std::int64_t>(session.tokens(slot).size()) >= session.context())
      hand_on(answer.stop(StopReason::context));
  }
  if (!answer.ids().empty()) timing.answer_seconds = seconds_since(answering);
  return timing;
}

}  // namespace bantam
