// The rows of one forward pass: prefill, decode, many sequences and training are all this.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rooms.h"
#include "ops/soft_target.h"

namespace bantam::nn {

struct Batch {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> positions;  // of each row in its sequence, from 0
  // The cache slot of each row, or in training its document. Rows of one sequence lie together and
  // their positions rise by one.
  std::vector<std::int32_t> sequences;
  std::vector<std::int32_t> wanted;  // rows whose logits are asked for
  // Training: what follows each row (negative: nothing) and the weight of its loss; where rows are
  // wanted, of these alone. With targets, forward gives losses in place of logits.
  std::vector<std::int32_t> targets;
  std::vector<float> weights;
  std::vector<ops::SoftTarget> soft;  // in place of the targets; empty: none

  std::int64_t rows() const { return static_cast<std::int64_t>(tokens.size()); }
  void add(std::int32_t token, std::int32_t position, std::int32_t sequence, bool want) {
    if (want) wanted.push_back(static_cast<std::int32_t>(tokens.size()));
    tokens.push_back(token);
    positions.push_back(position);
    sequences.push_back(sequence);
  }
};

}  // namespace bantam::nn
