// Top-k: the k likeliest tokens (Fan, Lewis & Dauphin 2018, section 5.4).
#include "infer/stages.h"

namespace bantam::infer {

namespace {

void apply_top_k(const SamplingOptions& options, const SamplerState&, Candidates& candidates) {
  if (options.top_k == 0 || static_cast<std::uint64_t>(options.top_k) >= candidates.size()) return;
  const auto k = static_cast<std::size_t>(options.top_k);
  candidates.sort(k);
  candidates.cut(k);
}

}  // namespace

const SamplerStage kTopK{"top-k", apply_top_k};

}  // namespace bantam::infer
