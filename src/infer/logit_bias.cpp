// Logit bias: numbers added to the logits of named tokens; -infinity rules one out.
#include <map>
#include <ranges>
#include <vector>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

void apply_logit_bias(const SamplingOptions& options, const SamplerState&, Candidates& candidates) {
  if (options.logit_bias.empty()) return;
  std::map<std::int32_t, std::vector<double>> biases;  // several of a token, in their order
  for (const LogitBias& b : options.logit_bias) biases[b.id].push_back(b.bias);
  candidates.change_some(std::views::keys(biases), [&](std::int32_t id, double logit) {
    for (const double bias : biases.at(id)) logit += bias;
    return logit;
  });
}

}  // namespace

const SamplerStage kLogitBias{"logit-bias", apply_logit_bias};

}  // namespace bantam::infer
