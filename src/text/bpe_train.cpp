#include "text/bpe_train.h"

#include <algorithm>
#include <array>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace bantam {

namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;

void check(const BpeTraining& t) {
  const auto special = static_cast<std::int64_t>(t.special.size());
  if (t.vocabulary < 256 + special || t.vocabulary > kMostTokens)
    throw Error("a number from " + std::to_string(256 + special) + " (the bytes and the special tokens) to " +
                std::to_string(kMostTokens) + " was expected, not " + std::to_string(t.vocabulary))
        .field("vocabulary");
  std::unordered_set<std::string> seen;
  for (const std::string& s : t.special)
    if (s.empty() || !seen.insert(s).second)
      throw Error(s.empty() ? "is empty" : "stands twice: " + printable(s)).field("special tokens");
  if (t.longest_piece < 2) throw Error("at least 2 was expected").field("longest_piece");
}

// The bytes in the order of GPT-2's vocabulary: those that print as themselves in Latin-1 first.
std::array<std::uint8_t, 256> byte_order() {
  const auto prints = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  std::array<std::uint8_t, 256> order{};
  std::size_t at = 0;
  for (const bool first : {true, false})
    for (int b = 0; b < 256; ++b)
      if (prints(b) == first) order[at++] = static_cast<std::uint8_t>(b);
  return order;
}

using Counts = std::unordered_map<std::string, std::int64_t>;

// Counts the pieces of all documents; batches of them are shared out over the pool. Counting is a sum,
// so neither the order nor the sharing shows in the result.
class Counter {
 public:
  Counter(const BpeTraining& training, ThreadPool& pool)
      : training_(training), pool_(pool), pre_(pre_tokenizer_by_name(training.pre)), counts_(pool.size()) {}

  Counts count(const NextDocument& next, BpeVocabulary& read, const std::function<void(const BpeProgress&)>& progress) {
    constexpr std::int64_t kBatch = std::int64_t{16} << 20;
    std::vector<std::string> batch;
    std::int64_t bytes = 0;
    for (std::string text; next(text);) {
      ++read.documents;
      read.bytes += static_cast<std::int64_t>(text.size());
      bytes += static_cast<std::int64_t>(text.size());
      batch.push_back(std::move(text));
      text.clear();
      if (bytes < kBatch) continue;
      take(batch);
      bytes = 0;
      if (progress) progress({BpeProgress::Step::counting, read.bytes, 0});
    }
    take(batch);
    for (std::size_t w = 1; w < counts_.size(); ++w)
      for (const auto& [piece, n] : counts_[w]) counts_[0][piece] += n;
    return std::move(counts_[0]);
  }

 private:
  void take(std::vector<std::string>& batch) {
    // Short documents go by runs of 64: a task for each would cost more than it does.
    const auto documents = static_cast<std::int64_t>(batch.size());
    pool_.parallel_for((documents + 63) / 64, [&](std::int64_t task, unsigned worker) {
      for (std::int64_t d = task * 64; d < std::min(documents, task * 64 + 64); ++d) {
        const std::string& text = batch[static_cast<std::size_t>(d)];
        if (is_valid_utf8(text))
          split(text, counts_[worker]);
        else
          split(repair_utf8(text), counts_[worker]);
      }
    });
    batch.clear();
  }

  void split(std::string_view text, Counts& counts) {
    const auto longest = static_cast<std::size_t>(training_.longest_piece);
    pre_->split(text, [&](std::span<const std::string_view> pieces) {
      std::string key;
      for (std::string_view piece : pieces)
        for (; !piece.empty(); piece.remove_prefix(std::min(longest, piece.size()))) {
          key.assign(piece.substr(0, longest));
          ++counts[key];
        }
    });
  }

  const BpeTraining& training_;
  ThreadPool& pool_;
  std::unique_ptr<PreTokenizer> pre_;
  std::vector<Counts> counts_;  // by worker
};

// An adjacent pair of ids as one number, left then right: the order in which ties are broken.
using Pair = std::uint64_t;
Pair pair_of(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
}
std::int32_t left_of(Pair p) { return static_cast<std::int32_t>(p >> 32); }
std::int32_t right_of(Pair p) { return static_cast<std::int32_t>(p & 0xffffffffu); }

struct Candidate {
  std::int64_t count;
  Pair pair;
  bool operator<(const Candidate& other) const {  // the greatest is merged next
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

// The pieces as sequences of ids, and where each pair stands. A pair's count is exact; its list of
// pieces may hold some that lost it since; the heap holds old counts, which are put right when they
// come up.
class Merger {
 public:
  Merger(const Counts& counts, BpeVocabulary& out) : out_(out) {
    const auto order = byte_order();
    std::array<std::int32_t, 256> id{};
    for (std::size_t i = 0; i < 256; ++i) {
      id[order[i]] = static_cast<std::int32_t>(i);
      out_.tokens.emplace_back(1, static_cast<char>(order[i]));
      known_.emplace(out_.tokens.back(), static_cast<std::int32_t>(i));
    }
    words_.reserve(counts.size());
    for (const auto& [piece, n] : counts) {
      Word word;
      word.count = n;
      for (const char c : piece) word.ids.push_back(id[static_cast<std::uint8_t>(c)]);
      words_.push_back(std::move(word));
    }
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::size_t i = 0; i + 1 < words_[w].ids.size(); ++i)
        change(pair_of(words_[w].ids[i], words_[w].ids[i + 1]), words_[w].count, w);
    touched_.clear();
    for (const auto& [pair, place] : places_) heap_.push({place.count, pair});
  }

  // False: no pair is frequent enough.
  bool merge(std::int64_t least) {
    for (;;) {
      if (heap_.empty()) return false;
      const Candidate best = heap_.top();
      heap_.pop();
      Place& place = places_[best.pair];
      if (place.count != best.count) {
        if (place.count > 0) heap_.push({place.count, best.pair});
        continue;
      }
      if (best.count < std::max<std::int64_t>(least, 1)) return false;
      apply(best.pair);
      return true;
    }
  }

 private:
  struct Word {
    std::vector<std::int32_t> ids;
    std::int64_t count = 0;
  };
  struct Place {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;
  };

  void change(Pair pair, std::int64_t by, std::size_t word) {
    Place& place = places_[pair];
    place.count += by;
    if (by > 0) {
      if (place.words.empty() || place.words.back() != word) place.words.push_back(static_cast<std::uint32_t>(word));
      touched_.push_back(pair);
    }
  }

  void apply(Pair pair) {
    const std::string text = out_.tokens[static_cast<std::size_t>(left_of(pair))] + out_.tokens[static_cast<std::size_t>(right_of(pair))];
    const auto [at, fresh] = known_.emplace(text, static_cast<std::int32_t>(out_.tokens.size()));
    if (fresh) out_.tokens.push_back(text);
    out_.merges.emplace_back(left_of(pair), right_of(pair));
    std::vector<std::uint32_t> where = std::move(places_[pair].words);
    places_[pair].words.clear();
    std::sort(where.begin(), where.end());
    where.erase(std::unique(where.begin(), where.end()), where.end());
    for (const std::uint32_t w : where) rewrite(w, left_of(pair), right_of(pair), at->second);
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const Pair p : touched_)
      if (places_[p].count > 0) heap_.push({places_[p].count, p});
    touched_.clear();
  }

  // Takes the word's pairs out of the count, joins left and right wherever they meet (from the left),
  // and puts the new pairs in.
  void rewrite(std::size_t w, std::int32_t left, std::int32_t right, std::int32_t joined) {
    Word& word = words_[w];
    std::vector<std::int32_t>& ids = word.ids;
    bool there = false;
    for (std::size_t i = 0; !there && i + 1 < ids.size(); ++i) there = ids[i] == left && ids[i + 1] == right;
    if (!there) return;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) change(pair_of(ids[i], ids[i + 1]), -word.count, w);
    std::size_t to = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool meet = i + 1 < ids.size() && ids[i] == left && ids[i + 1] == right;
      ids[to++] = meet ? joined : ids[i];
      if (meet) ++i;
    }
    ids.resize(to);
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) change(pair_of(ids[i], ids[i + 1]), word.count, w);
  }

  BpeVocabulary& out_;
  std::unordered_map<std::string, std::int32_t> known_;
  std::vector<Word> words_;
  std::unordered_map<Pair, Place> places_;
  std::priority_queue<Candidate> heap_;
  std::vector<Pair> touched_;
};

}  // namespace

BpeVocabulary train_bpe(const BpeTraining& training, const NextDocument& next, ThreadPool& pool,
                        const std::function<void(const BpeProgress&)>& progress) {
  check(training);
  BpeVocabulary out;
  const Counts counts = Counter(training, pool).count(next, out, progress);
  out.distinct_pieces = static_cast<std::int64_t>(counts.size());
  const auto wanted = static_cast<std::size_t>(training.vocabulary) - training.special.size();
  Merger merger(counts, out);
  while (out.tokens.size() < wanted) {
    if (!merger.merge(training.min_frequency)) {
      out.stopped_early = true;
      break;
    }
    if (progress && out.tokens.size() % 64 == 0)
      progress({BpeProgress::Step::merging, static_cast<std::int64_t>(out.tokens.size()), training.vocabulary});
  }
  out.first_special = static_cast<std::int32_t>(out.tokens.size());
  out.tokens.insert(out.tokens.end(), training.special.begin(), training.special.end());
  return out;
}

}  // namespace bantam
