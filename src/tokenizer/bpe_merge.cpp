#include "tokenizer/bpe_merge.h"

#include <algorithm>
#include <functional>

#include "base/error.h"

namespace bantam::tokenizer {

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

// Positions by rank, the lowest rank first. A text of one letter has a million pairs but a handful
// of ranks: a list for each rank makes the work linear, where a heap of pairs would not be.
class RankLists {
 public:
  explicit RankLists(EncodeScratch& scratch) : s_(scratch) {
    s_.entries.clear();
    s_.heap.clear();
    s_.lists.assign(64, {});
    used_ = 0;
  }
  void push(std::uint32_t rank, std::uint32_t at) {
    if (used_ * 2 >= s_.lists.size()) grow();
    EncodeScratch::List& list = s_.lists[slot(rank)];
    const auto entry = static_cast<std::uint32_t>(s_.entries.size());
    if (list.rank == kNone) {
      ++used_;
      list = {rank, kNone, kNone};
    }
    if (list.first == kNone) {
      list.first = entry;
      s_.heap.push_back(rank);
      std::push_heap(s_.heap.begin(), s_.heap.end(), std::greater<>());
    } else {
      s_.entries[list.last].next = entry;
    }
    list.last = entry;
    s_.entries.push_back({at, kNone});
  }
  // Moves the list of the lowest rank to `positions`, rising; false when nothing is left.
  bool pop(std::uint32_t& rank, std::vector<std::uint32_t>& positions) {
    if (s_.heap.empty()) return false;
    std::pop_heap(s_.heap.begin(), s_.heap.end(), std::greater<>());
    rank = s_.heap.back();
    s_.heap.pop_back();
    EncodeScratch::List& list = s_.lists[slot(rank)];
    positions.clear();
    for (std::uint32_t at = list.first; at != kNone; at = s_.entries[at].next)
      positions.push_back(s_.entries[at].position);
    list.first = kNone;
    if (!std::is_sorted(positions.begin(), positions.end()))
      std::sort(positions.begin(), positions.end());
    return true;
  }

 private:
  std::size_t slot(std::uint32_t rank) const {
    const std::size_t mask = s_.lists.size() - 1;
    std::size_t at = rank * 0x9E3779B1u & mask;
    while (s_.lists[at].rank != rank && s_.lists[at].rank != kNone) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<EncodeScratch::List> old(s_.lists.size() * 2);
    old.swap(s_.lists);
    for (const EncodeScratch::List& list : old)
      if (list.rank != kNone) s_.lists[slot(list.rank)] = list;
  }

  EncodeScratch& s_;
  std::size_t used_ = 0;
};

// A linked list of the ids; a place in the lists of positions counts only while its rank is still
// that of the pair there.
class LongMerge {
 public:
  LongMerge(const PairMap& merges, std::span<std::int32_t> ids, EncodeScratch& scratch)
      : merges_(merges), ids_(ids), s_(scratch), lists_(scratch) {}

  std::size_t run() {
    start();
    while (lists_.pop(rank_, s_.positions)) {
      for (const std::uint32_t at : s_.positions) {
        run_urgent(key(rank_, at));
        if (s_.ranks[at] == rank_) merge(at);
      }
      run_urgent(UINT64_MAX);
    }
    std::size_t size = 0;
    for (std::int32_t at = 0; at >= 0; at = s_.next[static_cast<std::size_t>(at)])
      ids_[size++] = ids_[static_cast<std::size_t>(at)];
    return size;
  }

 private:
  static std::uint64_t key(std::uint32_t rank, std::size_t at) {
    return std::uint64_t{rank} << 32 | at;
  }
  void start() {
    const std::size_t n = ids_.size();
    s_.ranks.assign(n, kNone);
    s_.merged.resize(n);
    s_.previous.resize(n);
    s_.next.resize(n);
    s_.urgent.clear();
    for (std::size_t i = 0; i < n; ++i) {
      s_.previous[i] = static_cast<std::int32_t>(i) - 1;
      s_.next[i] = i + 1 < n ? static_cast<std::int32_t>(i) + 1 : -1;
      if (i + 1 < n && look(i, i + 1)) lists_.push(s_.ranks[i], static_cast<std::uint32_t>(i));
    }
  }
  bool look(std::size_t left, std::size_t right) {
    const PairMap::Value value = merges_.find(ids_[left], ids_[right]);
    s_.ranks[left] = value.rank;
    s_.merged[left] = value.merged;
    return value.rank != kNone;
  }
  // Merges usually lead to pairs of higher rank; those that do not interrupt the list in work.
  void push(std::size_t at) {
    if (s_.ranks[at] > rank_) return lists_.push(s_.ranks[at], static_cast<std::uint32_t>(at));
    s_.urgent.push_back(key(s_.ranks[at], at));
    std::push_heap(s_.urgent.begin(), s_.urgent.end(), std::greater<>());
  }
  void run_urgent(std::uint64_t below) {
    while (!s_.urgent.empty() && s_.urgent.front() < below) {
      std::pop_heap(s_.urgent.begin(), s_.urgent.end(), std::greater<>());
      const std::uint64_t top = s_.urgent.back();
      s_.urgent.pop_back();
      const auto at = static_cast<std::size_t>(top & UINT32_MAX);
      if (s_.ranks[at] == static_cast<std::uint32_t>(top >> 32)) merge(at);
    }
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
  EncodeScratch& s_;
  RankLists lists_;
  std::uint32_t rank_ = 0;  // of the list in work
};

}  // namespace

std::size_t merge_pairs(const PairMap& merges, std::span<std::int32_t> ids,
                        EncodeScratch& scratch) {
  if (ids.size() <= kShort) return merge_short(merges, ids);
  if (ids.size() >= std::size_t{1} << 30) throw Error("a piece of text below 1 GiB was expected");
  return LongMerge(merges, ids, scratch).run();
}

}  // namespace bantam::tokenizer
