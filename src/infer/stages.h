// The stages of the sampler, each defined in the file of its name.
#pragma once

#include "infer/sampler.h"

namespace bantam {

extern const SamplerStage kTopK;
extern const SamplerStage kTopP;
extern const SamplerStage kMinP;
extern const SamplerStage kTemperature;

}  // namespace bantam
