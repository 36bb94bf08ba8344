// Temperature: probabilities to the power of 1 / T (Ackley, Hinton & Sejnowski 1985).
#include "infer/stages.h"

namespace bantam::infer {

namespace {

void apply_temperature(const SamplingOptions& options, const SamplerState&,
                       Candidates& candidates) {
  if (options.temperature != 1) candidates.scale(options.temperature);
}

}  // namespace

const SamplerStage kTemperature{"temperature", apply_temperature};

}  // namespace bantam::infer
