// The sequences of a step, and batches of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "adapt/objective.h"
#include "nn/batch.h"

namespace bantam::adapt {

// Tokens to run and what of them is foretold; views of the examples, which outlive it.
struct Sequence {
  std::span<const std::int32_t> head, tail;  // tokens: the one, then the other
  std::span<const std::uint8_t> mask;        // of supervised examples: 1 for a label
  std::size_t prompt = 0;                    // of the others: the answer is all behind it
  std::span<const SoftLabel> soft = {};      // of each label in order; empty: none
  std::span<const float> each = {};  // weights of the answer's tokens in order; empty: one for all

  std::size_t size() const { return head.size() + tail.size(); }
  std::int32_t token(std::size_t i) const { return i < head.size() ? head[i] : tail[i - head.size()]; }
  bool answer(std::size_t i) const { return mask.empty() ? i >= prompt : mask[i] != 0; }
  // Up to its last label: what comes later has no part in the loss.
  std::size_t used() const;
};

// The sequences that an objective makes of the examples of a step: one each, chosen and rejected,
// or each answer and that of the example before it (the last before the first) behind its prompt.
std::vector<Sequence> sequences_of(std::span<const LabelledExample* const> examples,
                                   Objective objective);

// Rows for these sequences, each padded to a multiple of `step` rows (bf16 sums over tokens in steps
// of 32). `weights`: for each sequence what its answer's and its prompt's tokens count. `labels_only`:
// losses are asked for where they count; else of every row.
Batch batch_of(std::span<const Sequence> sequences, std::span<const SequenceWeight> weights,
               std::int64_t step, bool labels_only);
std::int64_t rows_of(const Sequence& sequence, std::int64_t step);

}  // namespace bantam::adapt
