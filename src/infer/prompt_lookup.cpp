#include "infer/prompt_lookup.h"

#include <algorithm>

namespace bantam::infer {

namespace {

constexpr std::size_t kMostAlike = 16;  // more say no more
constexpr double kTriesKept = 0.95;     // of the tries so far, at each new one

std::size_t bucket(std::size_t alike) {
  constexpr std::array<std::size_t, 5> kFrom{4, 5, 7, 10, 16};
  return static_cast<std::size_t>(std::ranges::upper_bound(kFrom, alike) - kFrom.begin());
}

// Two grams may share a key: a wrong guess is only a guess.
std::uint64_t key(std::span<const std::int32_t> gram) {
  std::uint64_t key = 1469598103934665603u;  // FNV-1a (Fowler, Noll & Vo)
  for (const std::int32_t id : gram) key = (key ^ static_cast<std::uint32_t>(id)) * 1099511628211u;
  return key;
}

// Tokens before the two places that are the same, as far as it matters.
std::size_t alike(std::span<const std::int32_t> sequence, std::size_t earlier, std::size_t later) {
  const std::size_t most = std::min(earlier, kMostAlike);
  std::size_t n = 0;
  while (n < most && sequence[earlier - 1 - n] == sequence[later - 1 - n]) ++n;
  return n;
}

}  // namespace

double PromptLookup::chance(std::size_t alike) const {
  const Count& c = counts_[bucket(alike)];
  return c.right / c.tries;
}

std::size_t PromptLookup::found(std::span<const std::int32_t> sequence, std::size_t end) const {
  const auto place = follows_.find(key(sequence.subspan(end - kGram, kGram)));
  return place == follows_.end() ? 0 : place->second;
}

// Takes in what is new in the text: at each place, whether what would have been guessed is there.
void PromptLookup::read(std::span<const std::int32_t> sequence) {
  for (std::size_t end = std::max(indexed_, kGram); end < sequence.size(); ++end) {
    if (const std::size_t from = found(sequence, end); from > 0) {
      Count& c = counts_[bucket(alike(sequence, from, end))];
      c.right = kTriesKept * c.right + (sequence[from] == sequence[end] ? 1 : 0);
      c.tries = kTriesKept * c.tries + 1;
    }
    follows_[key(sequence.subspan(end - kGram, kGram))] = end;
  }
  indexed_ = sequence.size();
}

std::vector<std::int32_t> PromptLookup::propose(std::span<const std::int32_t> sequence,
                                                const GuessRoom& room) {
  const std::size_t size = sequence.size();
  if (size < kGram + 1) return {};
  read(sequence);
  const std::size_t from = found(sequence, size);
  if (from == 0) return {};
  const std::size_t same = alike(sequence, from, size);
  std::vector<std::int32_t> guesses;
  // What is guessed is itself what follows, where a text goes round in a small circle.
  const auto token = [&](std::size_t i) { return i < size ? sequence[i] : guesses[i - size]; };
  for (double likely = 1, right = 0; guesses.size() < room.most; right += likely) {
    likely *= chance(same + guesses.size());
    if (likely < room.least_chance(guesses.size(), right)) break;
    guesses.push_back(token(from + guesses.size()));
  }
  return guesses;
}

}  // namespace bantam::infer
