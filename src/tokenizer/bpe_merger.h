// The merging half of BPE training: from counted words to merges.
//
// A pair of adjacent symbols has its exact count, and the words in which it was ever seen. The pair
// to merge comes from a heap of counts that may be out of date: one that is too high is put back
// with its present count, one that is too low has a newer entry. A merge visits the words of its
// pair alone, and sums what changes by the neighbour, since of all pairs that change, one side is
// known.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"

namespace bantam::tokenizer {

class BpeMerger {
 public:
  using Pair = std::pair<std::int32_t, std::int32_t>;

  // Symbols are below `alphabet`, at most 256, to begin with. Pairs rarer than `min_frequency`
  // never come up.
  BpeMerger(std::int32_t alphabet, std::int64_t min_frequency)
      : alphabet_(alphabet), min_frequency_(min_frequency) {}

  // Words are given first; then start() once.
  void reserve(std::size_t words, std::size_t symbols);
  void add_word(const std::vector<std::int32_t>& symbols, std::int64_t count);
  void start();

  // The adjacent pair of highest count, of these the lowest (left, then right), and no longer in
  // the heap; nothing when none is frequent enough. A pair that is not merged then does not come up
  // again until its count grows.
  std::optional<Pair> next();
  // In all words, from left to right, the pair becomes `symbol`, which may be in use already.
  void merge(Pair pair, std::int32_t symbol);

 private:
  struct Word {
    std::uint64_t begin;  // in symbols_
    std::int64_t count;
    std::uint32_t size;
  };
  struct Entry {  // of a pair
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // where it was seen; it may be gone from there
  };
  struct Candidate {
    std::int64_t count;
    std::int32_t left, right;
    bool operator<(const Candidate& other) const {  // the greatest comes first
      if (count != other.count) return count < other.count;
      return left != other.left ? left > other.left : right > other.right;
    }
  };
  // Pairs to entries, by open addressing; entries stay.
  class Table {
   public:
    Table() : slots_(1 << 16) {}
    Entry* find(std::int32_t left, std::int32_t right);
    Entry& get(std::int32_t left, std::int32_t right);  // made if there is none

   private:
    struct Slot {
      std::uint64_t key = UINT64_MAX;
      std::uint32_t entry = 0;
    };
    std::size_t place(std::uint64_t key) const;
    void grow();

    std::vector<Slot> slots_;
    std::vector<Entry> entries_;
  };
  // What a merge changes, by the symbol beside it.
  struct Side {
    std::vector<std::int64_t> change;
    std::vector<std::vector<std::uint32_t>> words;
    std::vector<std::int32_t> touched;
    void resize(std::size_t symbols);
    void add(std::int32_t symbol, std::int64_t count, std::uint32_t word);
  };

  void merge_in_word(std::uint32_t word, Pair pair, std::int32_t symbol);
  // The pairs that came into being.
  std::vector<Pair> apply(Side& side, bool left, Pair pair, std::int32_t symbol);

  std::int32_t alphabet_;  // symbols in use are below
  std::int64_t min_frequency_;
  std::vector<std::int32_t> symbols_;
  std::vector<Word> words_;
  Table pairs_;
  std::priority_queue<Candidate> heap_;
  Side left_, right_;
};

}  // namespace bantam::tokenizer
