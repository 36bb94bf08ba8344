// The rows of each step: epochs of packed rows, one after another, and a batch made of some of
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rooms.h"
#include "data/dataset.h"
#include "nn/batch.h"

namespace bantam::train {

class SoftStore;

// Endless packed rows: epoch after epoch, each shuffled anew. A position in it is (epoch, row), and
// says all that a resumed run needs.
class RowStream {
 public:
  RowStream(const TokenStore& store, std::vector<std::int64_t> documents, std::int64_t context,
            std::uint64_t seed);
  // The next rows. They stay as they are until the next call.
  std::vector<PackedRow> take(std::int64_t count);
  std::int64_t rows_per_epoch() const { return static_cast<std::int64_t>(rows_.size()); }

  struct Position {
    std::uint64_t epoch = 0;
    std::int64_t row = 0;
  };
  Position position() const { return at_; }
  void seek(Position position);  // throws Error when there is no such row

 private:
  void load(std::uint64_t epoch);
  const TokenStore& store_;
  std::vector<std::int64_t> documents_;
  std::int64_t context_;
  std::uint64_t seed_;
  Position at_;
  std::vector<PackedRow> rows_;
};

// Rows of `context` inputs each as one batch: documents are sequences, what is left of a row is a
// sequence without targets. Weights are divided by `denominator` (that of the whole step). `soft`: what a
// teacher says of the same store; null: there is none.
Batch make_batch(const TokenStore& store, std::span<const PackedRow> rows, std::int64_t context,
                 double denominator, const SoftStore* soft = nullptr);

// The sum of the loss weights of these rows.
double weight_sum(const TokenStore& store, std::span<const PackedRow> rows);

}  // namespace bantam::train
