// Log-likelihoods of many sequences: what they share is computed once, what is apart in batches. The
// result of a sequence is the same to the bit whoever shares its batch.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "infer/session.h"
#include "judge/encode.h"
#include "judge/row_summary.h"

namespace bantam::judge {

struct Likelihood {
  double sum = 0;      // nats, of the scored tokens; summed in double, first token first
  bool greedy = true;  // each was the largest logit of its row, the first of equals
};

// Counts of what was computed, for the report.
struct Work {
  std::int64_t asked = 0;     // tokens of all requests
  std::int64_t computed = 0;  // rows of forward passes: less, where requests share
};

class LikelihoodEngine {
 public:
  // The session has one slot more than sequences may stand in a batch.
  explicit LikelihoodEngine(Session& session) : session_(session) {}

  // How many different inputs (all tokens but the last) there are: the slots that they take.
  static std::size_t leaves(std::span<const Sequence> sequences);
  // At most slots - 1 leaves. False: `go_on` said no, and nothing of `out` counts.
  bool run(std::span<const Sequence> sequences, std::span<Likelihood> out,
           const Session::GoOn& go_on = {});
  const Work& work() const { return work_; }

 private:
  struct Node;
  Session& session_;
  Work work_;
};

}  // namespace bantam::judge
