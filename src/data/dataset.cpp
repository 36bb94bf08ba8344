#include "data/dataset.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"

namespace bantam::data {

void TokenStore::add(std::span<const std::int32_t> tokens, std::span<const float> weights) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  weights_.insert(weights_.end(), weights.begin(), weights.end());
  starts_.push_back(static_cast<std::int64_t>(tokens_.size()));
}

std::span<const std::int32_t> TokenStore::document(std::int64_t i) const {
  const auto k = static_cast<std::size_t>(i);
  return std::span(tokens_).subspan(static_cast<std::size_t>(starts_[k]),
                                    static_cast<std::size_t>(starts_[k + 1] - starts_[k]));
}

std::span<const float> TokenStore::weights(std::int64_t i) const {
  const auto k = static_cast<std::size_t>(i);
  return std::span(weights_).subspan(static_cast<std::size_t>(starts_[k]),
                                     static_cast<std::size_t>(starts_[k + 1] - starts_[k]));
}

std::string TokenStore::fingerprint() const {
  Sha256 hash;
  hash.add(std::as_bytes(std::span(tokens_)));
  hash.add(std::as_bytes(std::span(weights_)));
  hash.add(std::as_bytes(std::span(starts_)));
  return hash.hex();
}

Split split_documents(const TokenStore& store, double share) {
  Split split;
  const auto limit = static_cast<std::uint64_t>(share * 0x1p53);
  std::uint64_t lowest = UINT64_MAX;
  std::int64_t chosen = -1;
  for (std::int64_t i = 0; i < store.documents(); ++i) {
    std::uint64_t hash = 0;
    for (const std::int32_t id : store.document(i))
      hash = mix64(hash ^ static_cast<std::uint64_t>(id));
    hash = mix64(hash) >> 11;
    if (hash < lowest) {
      lowest = hash;
      chosen = i;
    }
    (hash < limit ? split.validation : split.train).push_back(i);
  }
  // A few documents may all fall on one side: the one with the lowest hash is then for validation.
  if (share > 0 && split.validation.empty() && split.train.size() >= 2) {
    std::erase(split.train, chosen);
    split.validation.push_back(chosen);
  }
  if (store.documents() == 1) split = {.train = {0}, .validation = {}};
  if (split.train.empty())
    throw Error("all " + std::to_string(store.documents()) +
                " documents fall to validation; give more text, or say a smaller validation in the "
                "recipe");
  return split;
}

namespace {

void shuffle_documents(std::vector<std::int64_t>& order, const Random& random) {
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i, i))]);
}

// Rows that are being filled, and the finished ones in the order in which they were closed.
class Packing {
 public:
  explicit Packing(std::int64_t context) : context_(context) {}

  void put(const Piece& piece) {
    constexpr std::size_t kOpen = 32;
    Open* best = nullptr;
    for (Open& row : open_)
      if (row.used + piece.count <= context_ && (!best || row.used > best->used)) best = &row;
    if (!best) {
      if (open_.size() == kOpen) close_fullest();
      open_.push_back({});
      best = &open_.back();
    }
    best->pieces.push_back(piece);
    best->used += piece.count;
    if (best->used == context_) {
      done_.push_back(std::move(best->pieces));
      open_.erase(open_.begin() + (best - open_.data()));
    }
  }

  std::vector<PackedRow> finish() {
    for (Open& row : open_) done_.push_back(std::move(row.pieces));
    return std::move(done_);
  }

 private:
  struct Open {
    PackedRow pieces;
    std::int64_t used = 0;
  };
  void close_fullest() {
    const auto fullest = std::max_element(
        open_.begin(), open_.end(), [](const Open& a, const Open& b) { return a.used < b.used; });
    done_.push_back(std::move(fullest->pieces));
    open_.erase(fullest);
  }

  std::int64_t context_;
  std::vector<Open> open_;
  std::vector<PackedRow> done_;
};

}  // namespace

std::vector<PackedRow> pack_rows(const TokenStore& store, std::span<const std::int64_t> documents,
                                 std::int64_t context, std::uint64_t seed, std::uint64_t epoch,
                                 bool shuffle) {
  std::vector<std::int64_t> order(documents.begin(), documents.end());
  // Streams of one seed: 1 for the order of documents, further ones for each epoch.
  if (shuffle) shuffle_documents(order, Random(seed, (std::uint64_t{1} << 32) + epoch));
  Packing packing(context);
  for (const std::int64_t d : order) {
    const std::int64_t inputs = static_cast<std::int64_t>(store.document(d).size()) - 1;
    for (std::int64_t from = 0; from < inputs; from += context)
      packing.put({d, from, std::min(context, inputs - from)});
  }
  std::vector<PackedRow> rows = packing.finish();
  if (shuffle) {
    // Long documents fill rows at once and would come in runs: rows are shuffled too.
    const Random random(seed, (std::uint64_t{2} << 32) + epoch);
    for (std::size_t i = rows.size(); i > 1; --i)
      std::swap(rows[i - 1], rows[static_cast<std::size_t>(random.below(i, i))]);
  }
  return rows;
}

}  // namespace bantam::data
