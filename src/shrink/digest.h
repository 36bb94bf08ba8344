// What a model answers to some passages, kept small: the likeliest tokens at each position, and all
// others as one. The divergence of such distributions is never more than that of the whole ones.
#pragma once

#include "base/rooms.h"
#include "shrink/fidelity.h"

namespace bantam::shrink {

struct Digest {
  static constexpr std::size_t kKept = 128;
  struct Position {
    std::vector<std::int32_t> ids;  // kKept, or the whole vocabulary
    std::vector<double> log_p;      // of these
    double rest = 0;                // share of all others
  };
  std::vector<Position> positions;
};
Digest digest_of(Session& model, const Passages& passages, ThreadPool& pool);
// The mean divergence of what `model` answers now from `before`.
double divergence_from(const Digest& before, Session& model, const Passages& passages,
                       ThreadPool& pool);

}  // namespace bantam::shrink
