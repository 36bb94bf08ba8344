// Logit bias: numbers added to the logits of named tokens; -infinity rules one out.
#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam {

namespace {

void apply_logit_bias(const SamplingOptions& options, const SamplerState&, Candidates& candidates) {
  if (options.logit_bias.empty()) return;
  candidates.change([&](const Candidate& c) {
    double logit = static_cast<double>(c.logit);
    for (const LogitBias& b : options.logit_bias)
      if (b.id == c.id) logit += b.bias;
    return logit;
  });
}

}  // namespace

const SamplerStage kLogitBias{"logit-bias", apply_logit_bias};

}  // namespace bantam
