#include "infer/decoder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"

namespace bantam::infer {

namespace {

// Tokens that another slot must hold beyond what a free one does before they are copied: the copy
// costs what the free slot held.
constexpr std::int64_t kWorthACopy = 16;

constexpr std::size_t kMostGuesses = 16;

using PassClock = std::chrono::steady_clock;

std::int64_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

}  // namespace

Going::Going(std::span<const std::int32_t> prompt, Answer& answer)
    : answer_(&answer), sequence_(prompt.begin(), prompt.end()), prompt_(prompt.size()) {
  if (prompt.empty())
    throw Error("the prompt has no tokens; a model needs at least one to continue from");
  if (!answer.stopped()) answer.see(prompt);
}

std::string Going::take_text() { return std::exchange(text_, {}); }

bool Going::over() const {
  if (fault_) return true;
  return answer_->stopped() && (prompt_probabilities < 0 || probabilities_.size() + 1 >= prompt_);
}

// Logits after the token at `index` of what was fed.
void Going::take(std::size_t index, std::span<const float> logits) {
  try {
    const std::size_t next = read_ + index + 1;  // the place that these logits are about
    if (next < prompt_) {
      probabilities_.push_back(log_probabilities(logits, sequence_[next], prompt_probabilities));
      return;
    }
    if (parted_ || answer_->stopped()) return;
    text_ += answer_->step(logits);
    const std::int32_t id = answer_->ids().back();
    sequence_.push_back(id);
    // Guesses are the end of what was fed.
    if (index + 1 < fed_.size() && fed_[index + 1] == id)
      ++accepted_;
    else
      parted_ = true;
  } catch (...) {
    fault_ = std::current_exception();
  }
}

Decoder::Decoder(Session& session, const DecoderOptions& options)
    : session_(session),
      options_(options),
      room_(std::min(options.room, session.room())),
      last_used_(static_cast<std::size_t>(session.slots())) {}

void Decoder::seat(Going& going, std::int64_t slot) {
  session_.choose(slot, going.adapter);
  if (going.prompt_probabilities >= 0) session_.trim(slot, 0);
  going.reused_ = session_.reuse(slot, going.sequence_);
  session_.expect(slot, static_cast<std::int64_t>(going.sequence_.size()));
  going.read_ = static_cast<std::size_t>(going.reused_);
  going.slot_ = slot;
}

void Decoder::seat(Going& going, std::span<Going* const> others) {
  seat(going, choose_slot(going, others));
}

// The free slot that holds most of the beginning already, of equal ones that which has not been
// used for longest.
std::int64_t Decoder::choose_slot(const Going& going, std::span<Going* const> others) {
  struct Place {
    std::int64_t slot = -1, common = -1;
    std::uint64_t used = 0;
  };
  Place best, any, oldest;
  for (std::int64_t slot = 0; slot < session_.slots(); ++slot) {
    // What was read under another adapter is no beginning of this.
    const std::int64_t common = session_.adapter(slot) == going.adapter
                                    ? common_prefix(session_.tokens(slot), going.sequence_)
                                    : 0;
    const Place here{slot, common, last_used_[static_cast<std::size_t>(slot)]};
    if (here.common > any.common) any = here;
    if (std::ranges::any_of(others, [&](const Going* g) { return g->slot_ == slot; })) continue;
    if (here.common > best.common || (here.common == best.common && here.used < best.used))
      best = here;
    if (oldest.slot < 0 || here.used < oldest.used) oldest = here;
  }
  if (best.slot < 0) throw Error("no slot is free");
  if (going.prompt_probabilities >= 0) return oldest.slot;
  if (any.common < best.common + kWorthACopy) return best.slot;
  session_.copy(any.slot, oldest.slot, any.common);
  // Nothing is copied where a sliding window of the other slot has moved on.
  const auto copied = static_cast<std::int64_t>(session_.tokens(oldest.slot).size());
  return copied == any.common ? oldest.slot : best.slot;
}

// What each sequence reads in this pass.
void Decoder::feed(std::span<Going* const> active) {
  std::int64_t reading = 0;
  for (const Going* g : active) reading += g->reads() ? 1 : 0;
  std::int64_t rows = reading < static_cast<std::int64_t>(active.size()) ? options_.rows_beside
                                                                         : options_.rows_alone;
  for (Going* g : active) {
    auto rest = static_cast<std::int64_t>(g->sequence_.size() - g->read_);
    if (g->reads()) {
      rest = std::min(rest, std::max<std::int64_t>(rows / reading--, 1));
      rows -= rest;
    }
    const auto from = g->sequence_.begin() + static_cast<std::ptrdiff_t>(g->read_);
    g->fed_.assign(from, from + rest);
    g->guesses_ = g->accepted_ = 0;
    g->parted_ = false;
    if (g->proposer != nullptr && !g->reads()) guess(*g, active.size());
  }
}

void Decoder::guess(Going& g, std::size_t sequences) {
  // The token after the last guess must have its place, too.
  const std::int64_t places = room_ - static_cast<std::int64_t>(g.sequence_.size());
  const std::int64_t left = std::min(places, g.answer_->left() - 1);
  if (left <= 0) return;
  const std::size_t most = std::min(kMostGuesses, static_cast<std::size_t>(left));
  std::vector<std::int32_t> guesses = g.proposer->propose(g.sequence_, {most, sequences, cost_.base_in_rows()});
  guesses.resize(std::min(guesses.size(), most));
  const auto unknown = std::ranges::find_if(
      guesses, [&](std::int32_t id) { return id < 0 || id >= session_.config().vocabulary; });
  guesses.erase(unknown, guesses.end());
  g.fed_.insert(g.fed_.end(), guesses.begin(), guesses.end());
  g.guesses_ = guesses.size();
}

// What the slot holds after a pass, without guesses that did not come true.
void Decoder::settle(Going& g) {
  const std::size_t known = g.sequence_.size() > g.prompt_ ? g.sequence_.size() - 1 : g.prompt_;
  session_.trim(g.slot_, static_cast<std::int64_t>(known));
  g.read_ = session_.tokens(g.slot_).size();
  if (g.guesses_ > 0) g.proposer->learn(g.guesses_, g.accepted_);
  if (!g.over() && !g.answer_->ids().empty() && static_cast<std::int64_t>(g.read_) >= room_)
    g.stop(StopReason::context);
}

bool Decoder::run(std::span<Going* const> goings, const std::function<void(Going&)>& done,
                  const Session::GoOn& go_on) {
  std::vector<Going*> seated;
  std::size_t next = 0;
  while (next < goings.size() || !seated.empty()) {
    while (next < goings.size() && static_cast<std::int64_t>(seated.size()) < session_.slots()) {
      seat(*goings[next], seated);
      seated.push_back(goings[next++]);
    }
    if (!step(seated, go_on)) return false;
    if (done)
      for (Going* g : seated)
        if (g->over()) done(*g);
    std::erase_if(seated, [](const Going* g) { return g->over(); });
  }
  return true;
}

bool Decoder::step(std::span<Going* const> goings, const Session::GoOn& go_on) {
  ++steps_;
  std::vector<Going*> active;
  for (Going* g : goings)
    if (!g->over()) active.push_back(g);
  const bool reading = std::ranges::any_of(active, [](const Going* g) { return g->reads(); });
  feed(active);
  std::vector<Session::Part> parts;
  for (const Going* g : active) {
    last_used_[static_cast<std::size_t>(g->slot_)] = steps_;
    const bool ends = g->read_ + g->fed_.size() >= g->prompt_;
    const bool all = g->guesses_ > 0 || (g->prompt_probabilities >= 0 && g->reads());
    parts.push_back({g->slot_, g->fed_,
                     all    ? Session::Want::all
                     : ends ? Session::Want::last
                            : Session::Want::none});
  }
  const PassClock::time_point start = PassClock::now();
  const bool whole = session_.evaluate_rows(
      parts,
      [&](std::span<const Session::Row> rows) {
        // A task for each sequence, which takes its rows in order.
        std::vector<std::size_t> firsts;
        for (std::size_t i = 0; i < rows.size(); ++i)
          if (i == 0 || rows[i].part != rows[i - 1].part) firsts.push_back(i);
        firsts.push_back(rows.size());
        session_.runtime().pool.parallel_for(
            static_cast<std::int64_t>(firsts.size()) - 1, [&](std::int64_t task, unsigned) {
              const auto t = static_cast<std::size_t>(task);
              for (std::size_t i = firsts[t]; i < firsts[t + 1]; ++i)
                active[rows[i].part]->take(rows[i].index, rows[i].logits);
            });
      },
      go_on);
  const double seconds = std::chrono::duration<double>(PassClock::now() - start).count();
  std::size_t rows = 0;
  for (const Going* g : active) rows += g->fed_.size();
  // A pass that reads a prompt too says nothing of what guesses cost.
  if (whole && !reading) cost_.add(rows, seconds);
  for (Going* g : active) {
    if (whole && !reading && g->proposer != nullptr) g->proposer->passed(g->guesses_, seconds);
    settle(*g);
  }
  return whole;
}

}  // namespace bantam::infer
