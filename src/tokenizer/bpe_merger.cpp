// Merging: words, pair counts, and the heap.
#include "tokenizer/bpe_merger.h"

#include <algorithm>

#include "base/error.h"

namespace bantam::tokenizer {

void BpeMerger::reserve(std::size_t words, std::size_t symbols) {
  words_.reserve(words);
  symbols_.reserve(symbols);
}

void BpeMerger::add_word(const std::vector<std::int32_t>& symbols, std::int64_t count) {
  if (symbols.size() < 2) return;  // nothing to merge
  if (words_.size() == UINT32_MAX) throw Error("the text has too many distinct words to train on");
  words_.push_back({symbols_.size(), count, static_cast<std::uint32_t>(symbols.size())});
  symbols_.insert(symbols_.end(), symbols.begin(), symbols.end());
}

// Counts the pairs of the alphabet in tables that have a place for each.
void BpeMerger::start() {
  const auto wide = static_cast<std::size_t>(alphabet_);
  std::vector<std::int64_t> counts(wide * wide);
  std::vector<std::uint32_t> sizes(wide * wide), last(wide * wide, UINT32_MAX);
  const auto for_each_pair = [&](auto&& body) {
    for (std::uint32_t w = 0; w < words_.size(); ++w) {
      const std::int32_t* const s = symbols_.data() + words_[w].begin;
      for (std::uint32_t i = 0; i + 1 < words_[w].size; ++i)
        body(static_cast<std::size_t>(s[i]) * wide + static_cast<std::size_t>(s[i + 1]), w);
    }
  };
  for_each_pair([&](std::size_t pair, std::uint32_t w) {
    counts[pair] += words_[w].count;
    if (std::exchange(last[pair], w) != w) ++sizes[pair];
  });
  std::vector<Entry*> entries(wide * wide);
  // Entries move while the table grows: all are made before a pointer is kept.
  for (const bool keep : {false, true})
    for (std::size_t pair = 0; pair < counts.size(); ++pair) {
      if (counts[pair] == 0) continue;
      const auto left = static_cast<std::int32_t>(pair / wide);
      const auto right = static_cast<std::int32_t>(pair % wide);
      Entry& entry = pairs_.get(left, right);
      if (!keep) continue;
      entry.count = counts[pair];
      entry.words.reserve(sizes[pair]);
      entries[pair] = &entry;
      if (entry.count >= min_frequency_) heap_.push({entry.count, left, right});
    }
  std::fill(last.begin(), last.end(), UINT32_MAX);
  for_each_pair([&](std::size_t pair, std::uint32_t w) {
    if (std::exchange(last[pair], w) != w) entries[pair]->words.push_back(w);
  });
}

std::optional<BpeMerger::Pair> BpeMerger::next() {
  while (!heap_.empty()) {
    const Candidate top = heap_.top();
    heap_.pop();
    const std::int64_t count = pairs_.find(top.left, top.right)->count;
    if (count == top.count) return Pair{top.left, top.right};
    if (count < top.count && count >= min_frequency_) heap_.push({count, top.left, top.right});
  }
  return std::nullopt;
}

void BpeMerger::merge(Pair pair, std::int32_t symbol) {
  alphabet_ = std::max(alphabet_, symbol + 1);
  left_.resize(static_cast<std::size_t>(alphabet_));
  right_.resize(static_cast<std::size_t>(alphabet_));
  Entry* const entry = pairs_.find(pair.first, pair.second);
  const std::vector<std::uint32_t> words = std::exchange(entry->words, {});
  for (const std::uint32_t word : words) merge_in_word(word, pair, symbol);
  const std::vector<Pair> left = apply(left_, true, pair, symbol);
  const std::vector<Pair> right = apply(right_, false, pair, symbol);
  pairs_.find(pair.first, pair.second)->count = 0;  // no two symbols are left that could be merged
  for (const auto* made : {&left, &right})
    for (const auto& [l, r] : *made) {
      const std::int64_t count = pairs_.find(l, r)->count;
      if (count >= min_frequency_) heap_.push({count, l, r});
    }
}

namespace {

// The first place of the pair, or `end`: by blocks, which the compiler makes vectors of, since a
// long word is searched again for each merge in it.
std::int32_t* find(std::int32_t* p, std::int32_t* end, BpeMerger::Pair pair) {
  constexpr int kBlock = 16;
  const auto [first, second] = pair;
  for (; end - p > kBlock; p += kBlock) {
    int found = 0;
    for (int i = 0; i < kBlock; ++i) found |= (p[i] == first) & (p[i + 1] == second);
    if (found != 0) break;
  }
  for (; end - p > 1; ++p)
    if (p[0] == first && p[1] == second) return p;
  return end;
}

}  // namespace

void BpeMerger::merge_in_word(std::uint32_t word, Pair pair, std::int32_t symbol) {
  Word& w = words_[word];
  std::int32_t* const begin = symbols_.data() + w.begin;
  std::int32_t* const end = begin + w.size;
  std::int32_t* out = begin;
  std::int32_t* kept = begin;  // read up to here, moved to `out` up to there
  for (std::int32_t* in = begin; (in = find(in, end, pair)) != end;) {
    out = out == kept ? in : std::copy(kept, in, out);
    in += 2;
    kept = in;
    if (out != begin) left_.add(out[-1], w.count, word);
    if (in != end) right_.add(*in, w.count, word);
    *out++ = symbol;
  }
  out = out == kept ? end : std::copy(kept, end, out);
  w.size = static_cast<std::uint32_t>(out - begin);
}

// Of the left neighbours l, (l, first) becomes (l, symbol); of the right ones r, (second, r)
// becomes (symbol, r). The sums of both sides together are exact, in any order, also where a
// neighbour is itself about to be merged or has just been.
std::vector<BpeMerger::Pair> BpeMerger::apply(Side& side, bool left, Pair pair,
                                              std::int32_t symbol) {
  std::vector<Pair> made;
  for (const std::int32_t other : side.touched) {
    const auto at = static_cast<std::size_t>(other);
    const std::int64_t change = std::exchange(side.change[at], 0);
    std::vector<std::uint32_t> words = std::exchange(side.words[at], {});
    (left ? pairs_.get(other, pair.first) : pairs_.get(pair.second, other)).count -= change;
    made.push_back(left ? Pair{other, symbol} : Pair{symbol, other});
    Entry& entry = pairs_.get(made.back().first, made.back().second);
    entry.count += change;
    if (entry.words.empty()) {
      entry.words = std::move(words);
    } else {
      entry.words.insert(entry.words.end(), words.begin(), words.end());
    }
  }
  side.touched.clear();
  return made;
}

void BpeMerger::Side::resize(std::size_t symbols) {
  if (change.size() >= symbols) return;
  change.resize(symbols);
  words.resize(symbols);
}

void BpeMerger::Side::add(std::int32_t symbol, std::int64_t count, std::uint32_t word) {
  const auto at = static_cast<std::size_t>(symbol);
  if (change[at] == 0) touched.push_back(symbol);
  change[at] += count;
  if (words[at].empty() || words[at].back() != word) words[at].push_back(word);
}

std::size_t BpeMerger::Table::place(std::uint64_t key) const {
  // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4); ids are small numbers.
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = ((key ^ key >> 29) * 0x9E3779B97F4A7C15u >> 24) & mask;
  while (slots_[at].key != key && slots_[at].key != UINT64_MAX) at = (at + 1) & mask;
  return at;
}

namespace {
std::uint64_t key_of(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}
}  // namespace

BpeMerger::Entry* BpeMerger::Table::find(std::int32_t left, std::int32_t right) {
  const Slot& slot = slots_[place(key_of(left, right))];
  return slot.key == UINT64_MAX ? nullptr : &entries_[slot.entry];
}

BpeMerger::Entry& BpeMerger::Table::get(std::int32_t left, std::int32_t right) {
  const std::uint64_t key = key_of(left, right);
  std::size_t at = place(key);
  if (slots_[at].key == UINT64_MAX) {
    if (entries_.size() == UINT32_MAX) throw Error("the text has too many different pairs");
    if ((entries_.size() + 1) * 2 > slots_.size()) {
      grow();
      at = place(key);
    }
    slots_[at] = {key, static_cast<std::uint32_t>(entries_.size())};
    entries_.emplace_back();
  }
  return entries_[slots_[at].entry];
}

void BpeMerger::Table::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.key != UINT64_MAX) slots_[place(slot.key)] = slot;
}

}  // namespace bantam::tokenizer
