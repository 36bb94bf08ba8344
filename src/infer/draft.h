// A smaller model of the same tokenizer that guesses what a larger one will say. Its guess is what the
// answer's own sampler, with the random number of that place, draws from the small model's logits: so
// models that think alike draw alike at any temperature. The answer never depends on it (hooks.h).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "infer/answer.h"
#include "infer/draft_length.h"
#include "infer/hooks.h"
#include "infer/prompt_lookup.h"
#include "infer/session.h"

namespace bantam::infer {

// Throws Error, naming the first difference, where an id does not stand for the same in both. Unused
// ids at the end, which fill up the rows of an embedding, may be missing in one. `file`: the draft's,
// for the message.
void require_same_tokens(const Tokenizer& model, const Tokenizer& draft, const std::string& file);

// With more sequences at once a draft model, which guesses for one after the other, costs what it
// saves.
inline constexpr std::size_t kMostDrafting = 3;

// The small model, which several answers share: each has a slot of its own, and all know together
// what guesses cost and how often they come true.
class DraftModel {
 public:
  // Computes on what is lent. `length`: see DraftLength. Throws Error as Session does.
  DraftModel(std::shared_ptr<const ModelFile> file, Runtime runtime, const SessionOptions& options,
             std::size_t length = 0);

  std::size_t drafted() const { return drafted_; }
  std::size_t accepted() const { return accepted_; }
  // Forgets what was measured but what a guess costs: a new beginning.
  void forget_costs();

 private:
  friend class Speculation;
  // A slot that nobody has, the one that holds most of `sequence`; negative: all are taken. These
  // two may be called from any thread, everything else by one at a time.
  std::int64_t take(std::span<const std::int32_t> sequence);
  void leave(std::int64_t slot);

  Session session_;
  std::size_t fixed_;
  double guess_seconds_ = 0;  // at the beginning of a text
  DraftLength length_;
  std::size_t drafted_ = 0, accepted_ = 0;
  std::mutex mutex_;
  std::vector<bool> taken_;
};

// What the decoding step asks for guesses: the text itself first, which costs nothing, then the draft
// model, if there is one and as long as it pays.
class Speculation : public Proposer {
 public:
  // A null model: the text alone. Both outlive this.
  explicit Speculation(const Answer& answer, DraftModel* model = nullptr)
      : answer_(answer), model_(model) {}
  ~Speculation() override;
  Speculation(const Speculation&) = delete;
  Speculation& operator=(const Speculation&) = delete;

  std::vector<std::int32_t> propose(std::span<const std::int32_t> sequence,
                                    const GuessRoom& room) override;
  void learn(std::size_t proposed, std::size_t accepted) override;
  void passed(std::size_t guesses, double seconds) override;

 private:
  std::vector<std::int32_t> draft(std::span<const std::int32_t> sequence, std::size_t most);

  const Answer& answer_;
  DraftModel* model_;
  PromptLookup lookup_;
  std::int64_t slot_ = -1;
  bool by_model_ = false;  // who made the last guesses
  bool failed_ = false;
};

}  // namespace bantam::infer
