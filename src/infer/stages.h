// The stages of the sampler, each defined in the file of its name.
#pragma once

#include "base/rooms.h"
#include "infer/sampler.h"

namespace bantam::infer {

inline constexpr double kLn2 = 0.693147180559945309;  // from nats to bits

extern const SamplerStage kLogitBias;
extern const SamplerStage kPenalties;
extern const SamplerStage kDry;
extern const SamplerStage kTopNSigma;
extern const SamplerStage kTopK;
extern const SamplerStage kTypical;
extern const SamplerStage kTopP;
extern const SamplerStage kMinP;
extern const SamplerStage kXtc;
extern const SamplerStage kTemperature;
extern const SamplerStage kMirostat;

}  // namespace bantam::infer
