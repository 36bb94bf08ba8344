#include "infer/prompt_lookup.h"

#include <algorithm>

namespace bantam::infer {

namespace {

constexpr std::size_t kShortest = 1, kLongest = 12, kMostPause = 256;

}  // namespace

// Of the tokens before `end`. Two grams may share a key: a wrong guess is only a guess.
std::uint64_t PromptLookup::key(std::span<const std::int32_t> sequence, std::size_t end) const {
  std::uint64_t key = 1469598103934665603u;  // FNV-1a (Fowler, Noll & Vo)
  for (std::size_t i = end - kGram; i < end; ++i)
    key = (key ^ static_cast<std::uint32_t>(sequence[i])) * 1099511628211u;
  return key;
}

std::vector<std::int32_t> PromptLookup::propose(std::span<const std::int32_t> sequence,
                                                std::size_t most) {
  const std::size_t size = sequence.size();
  if (size < kGram + 1) return {};
  for (std::size_t end = std::max(indexed_, kGram); end < size; ++end)
    follows_[key(sequence, end)] = end;
  indexed_ = size;
  if (pause_ > 0) {
    --pause_;
    return {};
  }
  const auto found = follows_.find(key(sequence, size));
  if (found == follows_.end()) return {};
  const std::size_t from = found->second;
  const std::size_t count = std::min({most, length_, size - from});
  return {sequence.begin() + static_cast<std::ptrdiff_t>(from),
          sequence.begin() + static_cast<std::ptrdiff_t>(from + count)};
}

void PromptLookup::learn(std::size_t proposed, std::size_t accepted) {
  if (accepted == proposed) {
    length_ = std::min(length_ * 2, kLongest);
    next_pause_ = 8;
  } else if (accepted == 0) {
    if (length_ == kShortest) {
      pause_ = next_pause_;
      next_pause_ = std::min(next_pause_ * 2, kMostPause);
    }
    length_ = std::max(length_ / 2, kShortest);
  } else {
    length_ = std::max(accepted, kShortest);
  }
}

}  // namespace bantam::infer
