// Tokens of all documents, and how they are dealt out: split, shuffled and packed into rows so that
// attention never crosses a document.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/rooms.h"

namespace bantam::data {

// Tokens one after another; a document is a range. weight[i] is that of predicting token i.
class TokenStore {
 public:
  void add(std::span<const std::int32_t> tokens, std::span<const float> weights);
  std::int64_t documents() const { return static_cast<std::int64_t>(starts_.size()) - 1; }
  std::int64_t tokens() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::span<const std::int32_t> document(std::int64_t i) const;
  std::span<const float> weights(std::int64_t i) const;
  // SHA-256 of all of it, in hex: a resumed run must find the same.
  std::string fingerprint() const;

 private:
  std::vector<std::int32_t> tokens_;
  std::vector<float> weights_;
  std::vector<std::int64_t> starts_{0};
};

// Which documents are for validation: chosen by a hash of their content, so that the same document
// falls on the same side in every corpus and copies of one never stand on both.
struct Split {
  std::vector<std::int64_t> train, validation;
};
// `share` of 0 gives none to validation; a single document is for training. Throws Error when
// nothing would be left to train on.
Split split_documents(const TokenStore& store, double share);

// A stretch of a document in a row: inputs [from, from + count), targets one further.
struct Piece {
  std::int64_t document, from, count;
};
using PackedRow = std::vector<Piece>;

// Documents in the order of a shuffle given by (seed, epoch), packed into rows of `context` inputs:
// long ones are cut, short ones share a row. Each document goes to the fullest of a few open rows
// that has room.
std::vector<PackedRow> pack_rows(const TokenStore& store, std::span<const std::int64_t> documents,
                                 std::int64_t context, std::uint64_t seed, std::uint64_t epoch,
                                 bool shuffle);

}  // namespace bantam::data
