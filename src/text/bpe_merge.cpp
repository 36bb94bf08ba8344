#include "text/bpe_merge.h"

#include <algorithm>
#include <functional>

namespace bantam {

namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
// Up to here the best pair is looked for in an array, whose few cache lines beat any heap.
constexpr std::size_t kShort = 64;

std::size_t merge_short(const PairMap& merges, std::span<std::int32_t> ids) {
  std::uint32_t rank[kShort];
  std::int32_t merged[kShort];
  std::size_t size = ids.size();
  const auto look = [&](std::size_t i) {
    const PairMap::Value value = merges.find(ids[i], ids[i + 1]);
    rank[i] = value.rank;
    merged[i] = value.merged;
  };
  for (std::size_t i = 0; i + 1 < size; ++i) look(i);
  while (size > 1) {
    std::uint32_t best = kNone;
    for (std::size_t i = 0; i + 1 < size; ++i) best = std::min(best, rank[i]);
    if (best == kNone) break;
    std::size_t at = 0;
    while (rank[at] != best) ++at;
    ids[at] = merged[at];
    --size;
    for (std::size_t i = at + 1; i < size; ++i) ids[i] = ids[i + 1];
    for (std::size_t i = at; i + 1 < size; ++i) {
      rank[i] = rank[i + 1];
      merged[i] = merged[i + 1];
    }
    if (at > 0) look(at - 1);
    if (at + 1 < size) look(at);
  }
  return size;
}

// A linked list of the ids and a heap of (rank, position); an entry counts only while its rank is
// still that of the pair at its position.
class LongMerge {
 public:
  LongMerge(const PairMap& merges, std::span<std::int32_t> ids, Scratch& scratch)
      : merges_(merges), ids_(ids), s_(scratch) {}

  std::size_t run() {
    start();
    while (!s_.heap.empty()) {
      std::pop_heap(s_.heap.begin(), s_.heap.end(), std::greater<>());
      const std::uint64_t top = s_.heap.back();
      s_.heap.pop_back();
      const auto at = static_cast<std::size_t>(top & 0xFFFFFFFFu);
      if (s_.ranks[at] == static_cast<std::uint32_t>(top >> 32)) merge(at);
    }
    std::size_t size = 0;
    for (std::int32_t at = 0; at >= 0; at = s_.next[static_cast<std::size_t>(at)])
      ids_[size++] = ids_[static_cast<std::size_t>(at)];
    return size;
  }

 private:
  void start() {
    const std::size_t n = ids_.size();
    s_.ranks.assign(n, kNone);
    s_.merged.resize(n);
    s_.previous.resize(n);
    s_.next.resize(n);
    s_.heap.clear();
    for (std::size_t i = 0; i < n; ++i) {
      s_.previous[i] = static_cast<std::int32_t>(i) - 1;
      s_.next[i] = i + 1 < n ? static_cast<std::int32_t>(i) + 1 : -1;
      if (i + 1 < n && look(i, i + 1)) s_.heap.push_back(entry(i));
    }
    std::make_heap(s_.heap.begin(), s_.heap.end(), std::greater<>());
  }
  bool look(std::size_t left, std::size_t right) {
    const PairMap::Value value = merges_.find(ids_[left], ids_[right]);
    s_.ranks[left] = value.rank;
    s_.merged[left] = value.merged;
    return value.rank != kNone;
  }
  std::uint64_t entry(std::size_t at) const { return std::uint64_t{s_.ranks[at]} << 32 | at; }
  void push(std::size_t at) {
    s_.heap.push_back(entry(at));
    std::push_heap(s_.heap.begin(), s_.heap.end(), std::greater<>());
  }
  void merge(std::size_t at) {
    ids_[at] = s_.merged[at];
    const auto gone = static_cast<std::size_t>(s_.next[at]);
    s_.ranks[gone] = s_.ranks[at] = kNone;
    s_.next[at] = s_.next[gone];
    if (s_.next[at] >= 0) {
      const auto after = static_cast<std::size_t>(s_.next[at]);
      s_.previous[after] = static_cast<std::int32_t>(at);
      if (look(at, after)) push(at);
    }
    if (s_.previous[at] >= 0) {
      const auto before = static_cast<std::size_t>(s_.previous[at]);
      if (look(before, at)) push(before);
    }
  }

  const PairMap& merges_;
  std::span<std::int32_t> ids_;
  Scratch& s_;
};

}  // namespace

std::size_t merge_pairs(const PairMap& merges, std::span<std::int32_t> ids, Scratch& scratch) {
  if (ids.size() <= kShort) return merge_short(merges, ids);
  return LongMerge(merges, ids, scratch).run();
}

}  // namespace bantam
