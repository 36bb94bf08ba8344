#include "train/batches.h"

#include "base/error.h"
#include "train/soft_store.h"

namespace bantam::train {

RowStream::RowStream(const TokenStore& store, std::vector<std::int64_t> documents,
                     std::int64_t context, std::uint64_t seed)
    : store_(store), documents_(std::move(documents)), context_(context), seed_(seed) {
  load(0);
  if (rows_.empty()) throw Error("there is no text to train on");
}

void RowStream::load(std::uint64_t epoch) {
  at_ = {epoch, 0};
  rows_ = pack_rows(store_, documents_, context_, seed_, epoch, true);
}

void RowStream::seek(Position position) {
  if (position.epoch != at_.epoch) load(position.epoch);
  if (position.row < 0 || position.row > rows_per_epoch())
    throw Error("there is no row " + std::to_string(position.row) + " in the training data")
        .field("row");
  at_ = position;
}

std::vector<PackedRow> RowStream::take(std::int64_t count) {
  std::vector<PackedRow> out;
  while (static_cast<std::int64_t>(out.size()) < count) {
    if (at_.row == rows_per_epoch()) load(at_.epoch + 1);
    out.push_back(rows_[static_cast<std::size_t>(at_.row++)]);
  }
  return out;
}

double weight_sum(const TokenStore& store, std::span<const PackedRow> rows) {
  double sum = 0;
  for (const PackedRow& row : rows)
    for (const Piece& p : row)
      for (std::int64_t i = 1; i <= p.count; ++i)
        sum += static_cast<double>(store.weights(p.document)[static_cast<std::size_t>(p.from + i)]);
  return sum;
}

Batch make_batch(const TokenStore& store, std::span<const PackedRow> rows, std::int64_t context,
                 double denominator, const SoftStore* soft) {
  Batch batch;
  std::int32_t sequence = 0;
  const auto put = [&](std::int32_t token, std::int64_t position, std::int32_t target,
                       double weight) {
    batch.tokens.push_back(token);
    batch.positions.push_back(static_cast<std::int32_t>(position));
    batch.sequences.push_back(sequence);
    batch.targets.push_back(target);
    batch.weights.push_back(static_cast<float>(weight / denominator));
  };
  for (const PackedRow& row : rows) {
    std::int64_t used = 0;
    for (const Piece& p : row) {
      const auto tokens = store.document(p.document);
      const auto weights = store.weights(p.document);
      for (std::int64_t i = 0; i < p.count; ++i) {
        const auto at = static_cast<std::size_t>(p.from + i);
        put(tokens[at], i, tokens[at + 1], static_cast<double>(weights[at + 1]));
        if (soft) batch.soft.push_back(soft->at(p.document, p.from + i + 1));
      }
      used += p.count;
      ++sequence;
    }
    for (std::int64_t i = 0; used + i < context; ++i) {
      put(0, i, -1, 0);
      if (soft) batch.soft.emplace_back();
    }
    ++sequence;
  }
  return batch;
}

}  // namespace bantam::train
