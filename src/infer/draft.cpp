#include "infer/draft.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::infer {

namespace {

// Rows that a guess may read before its time stands for that of one: a pass of so few costs about
// the same.
constexpr std::size_t kFewTokens = 4;

using DraftClock = std::chrono::steady_clock;

double seconds_from(DraftClock::time_point start) {
  return std::chrono::duration<double>(DraftClock::now() - start).count();
}

std::string token_text(const Tokenizer& tokenizer, std::int32_t id) {
  if (id >= tokenizer.size()) return "nothing";
  return "\"" + printable(std::string(tokenizer.piece(id)), 40) + "\"" +
         (tokenizer.special(id) ? " (a control token)" : "");
}

bool is_unused(const Tokenizer& tokenizer, std::int32_t id) {
  const auto& types = tokenizer.spec().types;
  const auto i = static_cast<std::size_t>(id);
  return tokenizer.piece(id).empty() || (i < types.size() && types[i] == TokenType::unused);
}

bool same_token(const Tokenizer& a, const Tokenizer& b, std::int32_t id) {
  if (id >= a.size()) return is_unused(b, id);
  if (id >= b.size()) return is_unused(a, id);
  return a.piece(id) == b.piece(id) && a.special(id) == b.special(id) &&
         a.token_bytes(id) == b.token_bytes(id);
}

}  // namespace

void require_same_tokens(const Tokenizer& model, const Tokenizer& draft, const std::string& file) {
  const auto size = static_cast<std::int32_t>(std::max(model.size(), draft.size()));
  for (std::int32_t id = 0; id < size; ++id)
    if (!same_token(model, draft, id))
      throw Error("a draft needs the model's own tokenizer; token " + std::to_string(id) + " is " +
                  token_text(draft, id) + " in it, and " + token_text(model, id) +
                  " in the model: take a smaller model of the same family, or the model itself "
                  "with fewer bits")
          .in(file)
          .field("tokenizer");
}

DraftModel::DraftModel(std::shared_ptr<const ModelFile> file, Runtime runtime,
                       const SessionOptions& options, std::size_t length)
    : session_(std::move(file), runtime, options),
      fixed_(length),
      taken_(static_cast<std::size_t>(session_.slots())) {
  // A token, timed before any text is read: a draft that costs as much as the model never reads one.
  // The first ones touch memory that nobody touched before.
  constexpr int kTokens = 4;
  for (int i = 0; i < kTokens; ++i) {
    const std::int32_t id = 0;
    const Session::Part part{0, {&id, 1}, Session::Want::last};
    session_.trim(0, 0);
    const DraftClock::time_point start = DraftClock::now();
    session_.evaluate({&part, 1}, [](std::size_t, std::size_t, std::span<const float>) {});
    const double seconds = seconds_from(start);
    guess_seconds_ = i == 0 ? seconds : std::min(guess_seconds_, seconds);
  }
  session_.trim(0, 0);
  forget_costs();
}

void DraftModel::forget_costs() {
  length_ = DraftLength(fixed_);
  length_.guessed(guess_seconds_);
}

std::int64_t DraftModel::take(std::span<const std::int32_t> sequence) {
  const std::lock_guard lock(mutex_);
  std::int64_t best = -1, most = -1;
  for (std::int64_t slot = 0; slot < session_.slots(); ++slot) {
    if (taken_[static_cast<std::size_t>(slot)]) continue;
    const std::int64_t common =
        std::ranges::mismatch(session_.tokens(slot), sequence).in1 - session_.tokens(slot).begin();
    if (common <= most) continue;
    best = slot;
    most = common;
  }
  if (best >= 0) taken_[static_cast<std::size_t>(best)] = true;
  return best;
}

void DraftModel::leave(std::int64_t slot) {
  const std::lock_guard lock(mutex_);
  taken_[static_cast<std::size_t>(slot)] = false;
}

Speculation::~Speculation() {
  if (slot_ >= 0) model_->leave(slot_);
}

std::vector<std::int32_t> Speculation::propose(std::span<const std::int32_t> sequence,
                                               const GuessRoom& room) {
  by_model_ = false;
  std::vector<std::int32_t> guesses = lookup_.propose(sequence, room);
  if (!guesses.empty() || model_ == nullptr || failed_) return guesses;
  if (room.sequences > kMostDrafting) return {};
  const std::size_t wanted = std::min(model_->length_.next(), room.most);
  if (wanted == 0) return {};
  try {
    guesses = draft(sequence, wanted);
  } catch (const std::exception&) {  // no memory, no numbers: an answer needs no guesses
    failed_ = true;
    return {};
  }
  by_model_ = !guesses.empty();
  return guesses;
}

// Reads what the draft has not read yet, then guesses token after token, as far as it has room.
std::vector<std::int32_t> Speculation::draft(std::span<const std::int32_t> sequence,
                                             std::size_t most) {
  Session& session = model_->session_;
  const auto room = static_cast<std::size_t>(session.room());
  if (sequence.size() >= room) return {};
  if (slot_ < 0) slot_ = model_->take(sequence);
  if (slot_ < 0) return {};
  std::vector<std::int32_t> all(sequence.begin(), sequence.end());
  const std::size_t known = all.size();
  const std::size_t end = std::min(known + most, room);
  while (all.size() < end) {
    const auto held = static_cast<std::size_t>(session.reuse(slot_, all));
    const std::span<const std::int32_t> rest = std::span(all).subspan(held);
    const auto unknown = [&](std::int32_t id) { return id >= session.config().vocabulary; };
    if (std::ranges::any_of(rest, unknown)) break;  // of rows that only the larger model has
    const DraftClock::time_point start = DraftClock::now();
    const Session::Part part{slot_, rest, Session::Want::last};
    std::int32_t guess = -1;
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> logits) {
      guess = answer_.foresee(all, all.size() - known, logits);
    });
    if (rest.size() <= kFewTokens) model_->length_.guessed(seconds_from(start));
    all.push_back(guess);
  }
  return {all.begin() + static_cast<std::ptrdiff_t>(known), all.end()};
}

void Speculation::learn(std::size_t proposed, std::size_t accepted) {
  if (!by_model_) return lookup_.learn(proposed, accepted);
  model_->length_.learn(proposed, accepted);
  model_->drafted_ += proposed;
  model_->accepted_ += accepted;
}

void Speculation::passed(std::size_t guesses, double seconds) {
  if (model_ != nullptr) model_->length_.passed(guesses, seconds);
}

}  // namespace bantam::infer
